#!/usr/bin/python3
"""jinja.py -- small templates and what Jinja2 makes of them, for tests/test_jinja.c

    /usr/bin/python3 tests/vectors/jinja.py > tests/vectors/jinja.txt

Templates of this project's own, by hand and at random from a fixed seed, rendered in the environment of
templates.py with the variables C. Each line is a JSON object: the first {"context": C}, then {"t": template,
"o": output}, or {"t": template, "e": true} where Jinja2 fails and llmc.h has to. Made with Debian's
python3-jinja2 3.1.2.
"""
import json
import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import templates  # noqa: E402

C = dict(a=[3,1,2],s="Hello World",u="caf\u00e9 \u00df \u4f60\u597d \U0001f600",d={"x":1,"y":"two","z":[1,2.5,None,True]},n=7,f=2.5,t=True,e="",none=None,
  ml="line1\nline2\r\nline3\n\n  line5",people=[{"name":"Bob","age":30,"tags":["a"]},{"name":"alice","age":25,"tags":[]},{"name":"Carol","age":30}],nest=[[1,[2,[3]]],{"k":{"l":[1]}}],
  q="it's \"quoted\" \\ \t tab",big=12345678901234567,neg=-7,zero=0, fl=[0.1,1e16,1e-5,123456.789,1e22,5e-324,1.7976931348623157e308,100.0,1e15,0.0001,-0.0,3.14159], html="<a href='x'>&\"</a>")
T = []


def add(*ts):
    T.extend(t for t in ts if t != "")


add("plain", "{{ 1 }}", "{{ s }}", "{{ a }}", "{{ d }}", "{{ u }}", "{{ nest }}", "{{ q }}|{{ [q] }}", "{{ [u] }}", "{{ none }}{{ t }}{{ f }}{{ neg }}", "{{ fl }}", "{{ missing }}", "{{ missing.x }}", "{{ missing['x'] }}", "{{ d.missing }}", "{{ d.missing.x }}", "{{ none.x }}", "{{ a.x }}","{{ 5 .x }}",
 "{{ 1+2*3-4/2 }}","{{ 7//2 }} {{ -7//2 }} {{ 7%3 }} {{ -7%3 }} {{ 7%-3 }} {{ 2**10 }} {{ 2**-1 }} {{ 2**0.5 }}","{{ 7.5//2 }} {{ -7.5//2 }} {{ 7.5%2 }} {{ -7.5%2 }}","{{ 1/0 }}","{{ 1//0 }}","{{ 1%0 }}","{{ 1.0/0 }}","{{ -2**2 }}","{{ 2**3**2 }}","{{ 1 - -1 }}","{{ +5 }} {{ -t }} {{ +t }}","{{ -s }}","{{ not t }} {{ not not s }}","{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 3 > 2 >= 2 != 1 }}","{{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' == 1 }}","{{ 'a' < 'b' }} {{ [1,2] < [1,3] }} {{ (1,2) < (1,2,0) }}","{{ 'a' < 1 }}","{{ none < 1 }}",
 "{{ 1 in a }} {{ 9 not in a }} {{ 'ell' in s }} {{ 'x' in d }} {{ 1 in d }}","{{ 1 in 5 }}","{{ 1 in s }}","{{ 'a' in missing }} {{ missing in a }}","{{ 'a' ~ 1 ~ none ~ [1] ~ missing ~ true }}","{{ 'a' + 'b' }} {{ [1]+[2] }} {{ (1,)+(2,) }}","{{ 'a' + 1 }}","{{ 1 + 'a' }}","{{ 'ab' * 3 }} {{ 3 * 'ab' }} {{ [1] * 2 }} {{ 'a' * -1 }}|","{{ missing + 1 }}","{{ 'a' + missing }}","{{ 'a' if t else 'b' }} {{ 'a' if not t else 'b' }} {{ 'a' if false }}|","{{ 1 if false else 2 if false else 3 }}","{{ (1 if true) if true else 2 }}","{{ 'x' if true if false }}|","{{ 1 if t else missing.x }} {{ missing.x if not t else 2 }}","{{ t and s }} {{ e or 'def' }} {{ zero and missing.x }} {{ t or missing.x }} {{ e and t or n }}",
 "{{ a[0] }} {{ a[-1] }} {{ a[5] }}| {{ a['x'] }}|","{{ s[0] }} {{ s[-1] }} {{ u[3] }} {{ u[-1] }} {{ u[7:9] }} {{ u[-3:] }}","{{ a[1:] }} {{ a[:-1] }} {{ a[::2] }} {{ a[::-1] }} {{ a[:] }} {{ a[5:] }} {{ a[-100:100] }}","{{ s[1:4] }} {{ s[::-1] }} {{ s[::2] }} {{ s[-3:] }} {{ s[10:2:-2] }} {{ u[::-1] }}","{{ a[0:2:0] }}","{{ d[1:] }}","{{ missing[1:] }}","{{ (1,2,3)[1:] }} {{ range(10)[2] }}","{{ d['x'] }} {{ d.y }} {{ d.z[1] }} {{ d['z'][-1] }} {{ d.get('x') }} {{ d.get('q') }} {{ d.get('q', 5) }}","{{ d.items() }} {{ d.keys() }} {{ d.values() }}","{{ d.items()|list }}","{{ d|list }} {{ d|length }}",
 "{{ {'a':1,'b':[1,2],}|tojson }} {{ {}|tojson }} {{ [] }} {{ {} }} {{ () }} {{ (1,) }} {{ (1,2) }} {{ {'a':1,'a':2} }} {{ {1:2, none:3, true:4} }}","{{ [1,2,] }} {{ [1,[2],(3,)] }}","{{ 1, 2 }}","{{ (1) }}","{{ 'a' 'b' \"c\" }}","{{ 'a\\n\\t\\\\\\'\\x41\\u00e9\\q\\101' }}",
 "{{ a.append(1) }}","{% set x = d.update({}) %}","{{ d.pop }}|","{{ d.update is defined }}","{{ a.count(1) }} {{ a.index(2) }} {{ (1,1).count(1) }}","{{ s.upper() }} {{ s.lower() }} {{ s.title() }} {{ 'hELLO wORLD'.capitalize() }} {{ s.swapcase() }}","{{ u.upper() }} {{ u.lower() }} {{ u.title() }} {{u|upper}} {{u|capitalize}} {{u|title}}","{{ '  x '.strip() }}| {{ '  x '.lstrip() }}| {{ '  x '.rstrip() }}| {{ 'xxaxx'.strip('x') }} {{ 'abcxcba'.strip('abc') }} {{ '\u00a0x\u2003'.strip() }}|{{ ''.strip() }}","{{ s.split() }} {{ s.split('o') }} {{ s.split('o',1) }} {{ ' a  b '.split() }} {{ ' a  b c'.split(none,1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a,b,c'.rsplit(',',1) }} {{ 'a,,b'.split(',') }}","{{ s.split('') }}","{{ s.replace('l','L') }} {{ s.replace('l','L',1) }} {{ 'abc'.replace('','-') }} {{ 'aaa'.replace('aa','b') }} {{ s.replace('zz','y') }}","{{ s.startswith('He') }} {{ s.startswith(('x','He')) }} {{ s.endswith('d') }} {{ s.endswith('x') }} {{ s.startswith('') }}","{{ s.find('o') }} {{ s.find('z') }} {{ s.rfind('o') }} {{ s.index('W') }} {{ u.find('\u4f60') }} {{ s.count('l') }} {{ 'aaa'.count('') }}","{{ s.index('z') }}","{{ ','.join(['a','b']) }} {{ ''.join(s) }}","{{ ','.join([1]) }}","{{ 'a'.center(5) }}|{{ 'ab'.center(5,'*') }}|{{ 'a'.ljust(3) }}|{{ 'a'.rjust(3,'.') }}|{{ '7'.zfill(3) }} {{ '-7'.zfill(4) }}","{{ 'a-b-c'.partition('-') }} {{ 'a-b-c'.rpartition('-') }} {{ 'abc'.partition('-') }} {{ 'abc'.rpartition('-') }}","{{ ml.splitlines() }} {{ ml.splitlines(true) }}","{{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ 'abc'.removeprefix('x') }}","{{ '12'.isdigit() }} {{ ''.isdigit() }} {{ 'aB'.isalpha() }} {{ 'ab1'.isalnum() }} {{ 'ab'.islower() }} {{ 'AB1'.isupper() }} {{ ' \\t'.isspace() }}","{{ 'a{}b{}'.format(1,'x') }} {{ '{0}{1}{0}'.format('a','b') }} {{ '{x}'.format(x=5) }} {{ '{{}}'.format() }}","{{ '%s and %s' % ('a', 1) }} {{ '%d%%' % 5 }} {{ '%5.2f|%-5s|%05d' % (3.14159,'ab',42) }} {{ '%s' % [1] }} {{ '%r' % 'x' }}","{{ '%s' % () }}","{{ '%s %s' % 'a' }}","{{ '%s'|format('x') }} {{ '%s-%s'|format(1,2) }}",
)
add("{{ s|length }} {{ u|length }} {{ a|count }} {{ missing|length }}","{{ 5|length }}","{{ none|length }}","{{ missing|default('d') }} {{ none|default('d') }} {{ e|default('d') }}| {{ e|default('d',true) }} {{ none|d('x',boolean=true) }} {{ missing|d }}|","{{ '  a '|trim }}| {{ 'xax'|trim('x') }} {{ 5|trim }}","{{ s|upper|lower }} {{ 'foo bar-baz (qux'|title }} {{ 'FOO'|capitalize }}","{{ a|join }} {{ a|join(',') }} {{ people|join(', ', attribute='name') }} {{ s|join('-') }} {{ d|join('+') }} {{ [none,missing]|join('|') }}","{{ a|first }} {{ a|last }} {{ s|first }} {{ s|last }} {{ []|first }}| {{ []|last }}|","{{ s|replace('l','_') }} {{ s|replace('l','_',1) }} {{ 112|replace(1,'x') }}","{{ a|reverse|list }} {{ s|reverse }} {{ (1,2)|reverse|list }} {{ d|reverse|list }}","{{ a|sort }} {{ a|sort(reverse=true) }} {{ people|sort(attribute='age')|map(attribute='name')|list }} {{ ['b','A','c']|sort }} {{ ['b','A','c']|sort(case_sensitive=true) }} {{ people|sort(attribute='name',reverse=true)|map(attribute='name')|join(',') }}","{{ ['a',1]|sort }}","{{ [1,2,1,'a','A']|unique|list }} {{ ['a','A']|unique(case_sensitive=true)|list }} {{ people|unique(attribute='age')|map(attribute='name')|list }}","{{ people|map(attribute='name')|list }} {{ ['a','b']|map('upper')|list }} {{ people|map(attribute='zzz',default='-')|list }} {{ people|map(attribute='tags.0')|list|length }} {{ [1,2]|map('string')|join }} {{ ['a b','c d']|map('replace',' ','_')|list }}","{{ a|select|list }} {{ a|select('odd')|list }} {{ a|reject('odd')|list }} {{ a|select('gt',1)|list }} {{ a|select('in',[1,2])|list }} {{ [0,1,'',none]|select|list }}","{{ people|selectattr('age','equalto',30)|map(attribute='name')|list }} {{ people|rejectattr('tags')|list|length }} {{ people|selectattr('tags','defined')|list|length }}","{{ a|map('nosuch')|list }}","{{ a|list }} {{ 'abc'|list }} {{ d|list }} {{ range(3)|list }} {{ missing|list }}","{{ 5|list }}","{{ 5|string + 'a' }} {{ '5'|int + 1 }} {{ 'x'|int }} {{ 'x'|int(9) }} {{ '3.7'|int }} {{ 3.7|int }} {{ -3.7|int }} {{ none|int }} {{ ' 42 '|int }} {{ '1e3'|int }} {{ true|int }} {{ ''|int(default=3) }} {{ '007'|int }}","{{ '1.5'|float }} {{ 'x'|float }} {{ 3|float }} {{ 'x'|float(2.5) }} {{ none|float }} {{ '1e3'|float }}","{{ -3|abs }} {{ (-3)|abs }} {{ -2.5|abs }} {{ neg|abs }}","{{ 2.5|round }} {{ 3.5|round }} {{ 2.567|round(2) }} {{ 2.567|round(1,'floor') }} {{ 2.51|round(1,'ceil') }} {{ 5|round }} {{ 1234|round(-2) }} {{ 0.125|round(2) }} {{ 2.675|round(2) }} {{ -2.5|round }} {{ 7|round(2,'ceil') }}","{{ a|max }} {{ a|min }} {{ []|max }}| {{ people|max(attribute='age') }} {{ ['b','C']|max }} {{ ['b','C']|min }}","{{ a|sum }} {{ []|sum }} {{ people|sum(attribute='age') }} {{ a|sum(start=10) }} {{ [0.1,0.2]|sum }}","{{ d|items|list }} {{ missing|items|list }}","{{ 5|items|list }}","{{ {'b':1,'A':2,'c':0}|dictsort }} {{ {'b':1,'A':2}|dictsort(true) }} {{ {'b':1,'A':2,'c':0}|dictsort(by='value') }} {{ {'b':1,'A':2}|dictsort(reverse=true) }}","{{ ml|indent }}|{{ ml|indent(2) }}|{{ ml|indent(2,true) }}|{{ ml|indent(width=2,first=true,blank=true) }}|{{ ml|indent('> ') }}|{{ 'x\\n'|indent }}|","{{ html|e }} {{ html|escape }} {{ 'x'|safe }}","{{ a|batch(2)|list }} {{ a|batch(2,'-')|list }}","{{ 'x'|center(5) }}|","{{ 'a bc d'|wordcount }}","{{ d|attr('items') }}|" if 0 else "{{ d|attr('x') }}|","{{ s|nosuch }}","{{ s is nosuch }}","{% if false %}{{ s|nosuch }}{% endif %}ok","{{ d|tojson }} {{ u|tojson }} {{ q|tojson }} {{ none|tojson }} {{ fl|tojson }} {{ (1,2)|tojson }}","{{ d|tojson(indent=2) }} {{ []|tojson(indent=2) }} {{ {}|tojson(indent=2) }} {{ [[],{}]|tojson(indent=1) }} {{ nest|tojson(indent=4) }}","{{ u|tojson(ensure_ascii=true) }} {{ d|tojson(separators=(',',':')) }} {{ d|tojson(indent=2,separators=(',',':')) }}","{{ d|tojson(sort_keys=true) }} {{ {'b':1,'a':{'d':1,'c':2}}|tojson(sort_keys=true) }}","{{ missing|tojson }}","{{ {1:2,none:3,true:4,1.5:2}|tojson }}","{{ '\x01\x7f\u0080\u2028'|tojson }} {{ ['\x01\x7f\u0080\u2028\xad'] }}","{{ range|tojson }}",
 "{{ 1|filter }}", "{{ a|join(x=1) }}","{{ a|join(1,2,3) }}","{{ a|join(attribute='x', d='y') }}",
)
for t in ["defined","undefined","none","boolean","true","false","integer","float","number","string","mapping","sequence","iterable","callable"]:
    add("{% for v in [1,0,true,false,none,2.5,'a','A','',a,d,(1,),range(2),range,s.upper] %}{{ v is "+t+" }}{{ v is not "+t+" }} {% endfor %}{{ missing is "+t+" }}")
for t in ["odd","even"]: add("{% for v in [1,0,2,3.0,-1,true] %}{{ v is "+t+" }} {% endfor %}","{{ 'a' is "+t+" }}","{{ missing is "+t+"}}")
add("{{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ 1 is eq 1 }} {{ 1 is ne 1 }} {{ 1 is lt 2 }} {{ 1 is le(1) }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 1 is in [1,2] }} {{ 1 is not in [1,2] }} {{ none is sameas none }} {{ 1 is sameas true }} {{ 1 is equalto 1 }} {{ 'a' is == 'a' }}" if 0 else "{{ 6 is divisibleby 3 }} {{ 6 is divisibleby(4) }} {{ 1 is eq 1 }} {{ 1 is ne 1 }} {{ 1 is lt 2 }} {{ 1 is le(1) }} {{ 2 is gt 1 }} {{ 2 is ge 3 }} {{ 1 is in [1,2] }} {{ 1 is not in [1,2] }} {{ none is sameas none }} {{ 1 is sameas true }} {{ 1 is equalto 1 }}",
 "{{ x is defined is none }}","{{ 1 is string and 2 }} {{ 1 is number or 2 }} {{ 'a' if 1 is number else 'b' }}","{{ not 1 is number }} {{ 1 + 1 is number }} {{ 'a' ~ 1 is string }} {{ -1 is number }} {{ -1|abs }} {{ 2 * 3|string }} {{ 1 < 2|int }} {{ 'a' + 1|string }} {{ not a|length }}","{{ (1 is number)|string + 'x' }} {{ a|first|string|length }}",
 "{{ 'upper' is filter }} {{ 'zzz' is filter }} {{ 'odd' is test }}","{{ a is sequence and a is not mapping }}","{{ 5 is in(a) }}",
)
add("{% if a %}y{% else %}n{% endif %}","{% if e %}y{% elif s %}z{% else %}n{% endif %}","{% if missing %}y{% elif e %}z{% elif 0 %}q{% endif %}|","{% if missing.x %}{% endif %}","{% if a == [3,1,2] and d != {} %}ok{% endif %}",
 "{% for x in a %}{{ x }}{% endfor %}","{% for x in a %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }}{{ loop.previtem }}{{ loop.nextitem }};{% endfor %}","{% for x in [] %}a{% else %}empty{% endfor %}","{% for x in missing %}a{% else %}empty{% endfor %}","{% for x in none %}a{% endfor %}","{% for x in 5 %}a{% endfor %}","{% for c in u %}{{ c }}.{% endfor %}","{% for k in d %}{{ k }}{% endfor %}","{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}","{% for k, v in d|items %}{{ k }}={{ v }}{{ loop.last }};{% endfor %}","{% for k, v in d|dictsort %}{{ k }}{% endfor %}","{% for (k, v) in d.items() %}{{ k }}{% endfor %}","{% for k, v in a %}{% endfor %}","{% for a, b in [[1,2,3]] %}{% endfor %}","{% for a, b, c in [[1,2,3],'xyz'] %}{{ a }}{{ c }}{% endfor %}","{% for x in a if x > 1 %}{{ x }}{{ loop.index }}{{ loop.length }}{{ loop.last }}{% else %}none{% endfor %}","{% for x in a if x > 9 %}{{ x }}{% else %}none{% endfor %}","{% for k, v in d.items() if k != 'x' %}{{ k }}{% if not loop.last %},{% endif %}{% endfor %}","{% for x in a %}{% for y in a %}{{ loop.index }}{% endfor %}{{ loop.index }}|{% endfor %}","{% for x in a %}{% set outer = loop %}{% for y in a %}{{ outer.index }}{{ loop.index }} {% endfor %}{% endfor %}","{% for x in range(3) %}{{ x }}{% endfor %}{% for x in range(2,8,3) %}{{ x }}{% endfor %}{% for x in range(5,0,-2) %}{{ x }}{% endfor %}","{{ range(3) }} {{ range(1,5) }} {{ range(1,10,2) }} {{ range(5)|length }} {{ range(0)|list }}","{{ range(10**9) }}","{{ range(1.5) }}","{{ range(1,2,0) }}","{% for x in a %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}","{% for x in a %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% else %}e{% endfor %}|","{% for x in a %}{% with y = x %}{% if y == 1 %}{% continue %}{% endif %}{{ y }}{% endwith %}{% endfor %}","{% break %}","{% for x in a %}{{ loop.cycle('a','b') }}{{ loop.changed(x > 1) }}{% endfor %}","{% for x in [1,1,2,2] %}{{ loop.changed(x) }}{% endfor %}", "{{ loop }}","{{ loop.index }}",
 "{% set x = 1 %}{{ x }}{% set x = x + 1 %}{{ x }}","{% set x = 0 %}{% for i in a %}{% set x = x + i %}{{ x }},{% endfor %}{{ x }}","{% set x, y = 1, 2 %}{{ x }}{{ y }}","{% set (x, y) = [3, 4] %}{{ x }}{{ y }}","{% set x = 1, 2 %}{{ x }}","{% set x %}a{{ s }}b{% endset %}{{ x }}|{{ x|length }}","{% set x | upper %}abc{% endset %}{{ x }}","{% set x | upper | replace('A','_') %}abc{% endset %}{{ x }}","{% set ns = namespace(a=1) %}{% for i in a %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}{{ ns.b }}|","{% set ns = namespace() %}{% set ns.x = 5 %}{{ ns.x }} {{ ns.y is defined }} {{ ns.x is defined }} {{ ns['x'] }}","{% set ns = namespace({'a':1}, b=2) %}{{ ns.a }}{{ ns.b }}","{% set d.x = 1 %}","{% set s.x = 1 %}","{% set zzz.x = 1 %}","{% set ns = namespace() %}{% set ns.t %}cap{% endset %}{{ ns.t }}","{% if t %}{% set q2 = 5 %}{% endif %}{{ q2 }}","{% if not t %}{% set s = 5 %}{% endif %}{{ s }}","{% for i in [1] %}{% set s = 'in' %}{{ s }}{% endfor %}{{ s }}","{% with %}{% set s = 'in' %}{{ s }}{% endwith %}{{ s }}","{% with x = 1, y = 2 %}{{ x }}{{ y }}{% endwith %}{{ x }}","{% with x = 1, y = x %}{{ y }}{% endwith %}|","{% set x %}{% set s = 'inner' %}{{ s }}{% endset %}{{ x }}{{ s }}","{% filter upper %}abc{{ s }}{% endfilter %}","{% filter replace('b','x') | upper %}abc{% endfilter %}","{% generation %}gen {{ s }}{% set s = 1 %}{% endgeneration %}{{ s }}",
 "{% macro m(a, b=2) %}[{{ a }},{{ b }}]{% endmacro %}{{ m(1) }}{{ m(1,3) }}{{ m(b=5,a=4) }}{{ m() }}","{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1,2) }}","{% macro m(a) %}{{ a }}{% endmacro %}{{ m(c=2) }}","{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(3) }}","{% macro m() %}{{ i }}{% endmacro %}{% for i in a %}{{ m() }}|{% endfor %}","{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}","{% macro m() %}{{ varargs }}{% endmacro %}{{ m(1,2) }}","{% macro m() %}{{ kwargs }}{% endmacro %}{{ m(a=1) }}","{% macro m(x) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1,2,z=3) }}","{% macro m(x) %}<{{ caller() }}{{ x }}>{% endmacro %}{% call m(5) %}body{{ s }}{% endcall %}","{% macro m() %}{{ caller(1) }}{{ caller(2) }}{% endmacro %}{% call(u) m() %}[{{ u }}]{% endcall %}","{% macro m() %}{% if caller is defined %}{{ caller() }}{% else %}no{% endif %}{% endmacro %}{{ m() }}","{% macro m() %}x{% endmacro %}{% call m() %}b{% endcall %}","{% macro m() %}  x  {% endmacro %}{{ m()|trim }}|{{ m()|length }}","{{ m(1) }}{% macro m(x) %}{{ x }}{% endmacro %}","{% macro m(x) %}{% set s = x %}{{ s }}{% endmacro %}{{ m(1) }}{{ s }}","{% macro a1() %}A{% endmacro %}{% macro b1() %}{{ a1() }}B{% endmacro %}{{ b1() }}","{% for i in a %}{% macro q9() %}{{ i }}{% endmacro %}{{ q9() }}{% endfor %}","{{ q9 }}","{{ s() }}","{{ missing() }}","{{ d.x() }}","{{ s.nosuch() }}","{% macro m(a=1, b) %}{% endmacro %}",
)
add("a\n{% if t %}\nb\n{% endif %}\nc\n","  {% if t %}\n  b\n  {% endif %}\n  c","a  {%- if t -%}  b  {%- endif -%}  c","a\n{{- s -}}\n b","{# comment #}\nx","  {# c #}\n  x {# y #} z","a {#- c -#} b","{% raw %}{{ x }}{% if %}{% endraw %}","{%- raw -%} {{ x }} {%- endraw -%} y","x  {% raw %}\n a\n  {% endraw %}\n b","{%+ if t %}x{% endif %}","  {%+ if t %}x{%+ endif %}","{% if t +%}\nx{% endif %}","{% if t %}\n\n\nx{% endif %}","a\n  {{ s }}\nb","\n\n  {% set x = 1 %}  \n {{ x }}\n","x\n\n","{{ s }}\n","{{ s }}","{{ '{{' }} {{ '}}' }} {{ '%}' }}","{{ {'a':{'b':1}}.a.b }}","{{ {'a':{'b':{}}}}}","{%if t%}a{%endif%}","{{a}}{{-s-}}{{d.x}}","\t {%- if t %}x{% endif %}","line\r\n{% if t %}\r\nx\r\n{% endif %}\r\ny\r\n","a\rb","{# {{ x }} {% y %} #}z","{#- a\n -#}\n\n z","a{#+ b +#}\n c","{{ 'x\r\ny' }}",
 "{% for x in a -%}\n  {{ x }}\n{%- endfor %}","{%- for x in a %}\n    {{- x }}\n{%- endfor %}\n","{% set x = 5 -%}\n   y",
 # errors
 "{{ ","{{ }}","{% %}","{% if %}","{% if t %}","{% endif %}","{% for %}","{% for x %}","{% for x in %}","{{ 1 + }}","{{ (1 }}","{{ 1) }}","{{ [1 }}","{{ a[ }}","{{ a. }}","{{ 'abc }}","{% set %}","{% set x %}","{% set 5 = 1 %}","{% set x 5 %}","{% nosuch %}","{{ a b }}","{{ 1 if }}","{{ a|}}","{{ a is }}","{% else %}","{% for x in a %}{% else %}","{% if t %}{% endfor %}","{# x","{% macro %}","{% macro m %}{% endmacro %}","{% macro m( %}{% endmacro %}","{{ m(a=1, 2) }}","{{ {1} }}","{{ {1:} }}","{{ 1 == }}","{{ == 1 }}","{{ a..b }}","{{ $x }}","{{ `x` }}","{{ 1; 2 }}","{% if t %}{% else %}{% else %}{% endif %}","{% if t %}{% else %}{% elif t %}{% endif %}","{% endmacro %}","{% call %}{% endcall %}","{% with x %}{% endwith %}","{{ raise_exception('boom') }}","{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %Y %B %A %a %j %y %I %p %e %w') }}","{{ strftime_now('%d %b %Y') }}","{{ strftime_now('%F %T') }}","{% include 'x' %}","{% extends 'x' %}","{% import 'x' as y %}","{{ not }}","{{ x not y }}","{{ none none }}","{% set x = %}","{{ true.x }}|{{ True }}{{ None }}{{ False }}{{ TRUE }}|","{{ 1_000 }} {{ 1.5e3 }} {{ 2e-3 }} {{ 1_0.5 }}","{{ a.0 }} {{ nest.0.1.0 }} {{ d.z.1 }}",
 "{{ dict(a=1,b=2) }} {{ dict({'x':1},y=2) }} {{ dict() }}","{{ namespace(a=1).a }}","{{ bos_token + eos_token }}","{{ messages }}{{ tools }}{{ add_generation_prompt }}","{{ bos_token ~ s ~ eos_token }}","{{ a|length > 2 and s|length < 100 }}","{{ (a|map(attribute='x'))|list }}","{{ 'abc'[1] ~ 'abc'[-1] }}","{{ s.split(' ')[-1].lstrip('W') }}","{{ s.split('</think>')[0].split('<think>')[-1] }}","{{ ''.join(['a'] * 3) }}","{{ [a, a][1][0] }}","{{ (1, 2) + (3,) }}","{{ a == a|list }} {{ (1,2) == [1,2] }}","{{ d == {'x':1,'y':'two','z':[1,2.5,none,true]} }}","{{ 'x'.__class__ }}|{{ d.__class__ }}|{{ d['__class__'] }}|","{{ 5 // 0.0 }}" , "{{ 0.1 + 0.2 }} {{ 1/3 }} {{ 100/3 }} {{ 1e300*1e10 }} {{ 7/7 }}","{{ 9223372036854775807 }}","{{ big * 10 }}","{{ 3 % 2.5 }} {{ -1 // 3 }} {{ -1 % 3.5 }}","{{ 10 ** 18 }} {{ (-2) ** 3 }} {{ 0 ** 0 }} {{ 1 ** 1000000 }} {{ (-1) ** 7 }}",
 "{{ a|sum / a|length }}","{{ '%.1f' % 2.25 }} {{ '%.0f' % 0.5 }} {{ '%.3f' % 1e10 }} {{ '%+d' % 3 }} {{ '% d' % 3 }} {{ '%5s|' % 'a' }}",
 "{% set a = [1] %}{% for x in [1,2] %}{% set a = a + [x] %}{% endfor %}{{ a }}","{% set ns = namespace(l=[]) %}{% for x in a %}{% set ns.l = ns.l + [x] %}{% endfor %}{{ ns.l }}","{% macro m(t) %}{{ t|tojson }}{% endmacro %}{{ m({'a':[1]}) }}","{% if a is defined and a[0] > 2 or missing %}x{% endif %}","{{ a|reject('equalto', 1)|join(', ') }}","{{ '-' * 20 }}","{{ s|list|join|length }}","{{ d.values()|list }} {{ d.keys()|join(',') }} {{ d.items()|length }}","{{ d.keys()[0] }}|","{{ (d.keys()|list)[0] }}","{% for k, v in {'a': 1}.items() %}{{ k ~ v }}{% endfor %}","{% for p in people %}{{ p.name }}{{ ', ' if not loop.last }}{% endfor %}","{% for p in people if p.age == 30 %}{{ p.name }}{% endfor %}","{{ people[0]['name'] }} {{ people[-1].name }} {{ people|length }}","{% set x = people|selectattr('age', 'equalto', 30)|list %}{{ x[-1].name }}","{{ people[0].get('zip', 'n/a') }}","{{ ('a' in d) ~ ('x' in d) }}","{{ 'x' in d and d.x == 1 }}","{% if 'tags' in people[2] %}y{% else %}n{% endif %}","{{ a[a[1]] }}","{{ a[:a|length - 1] }}","{{ -a[0] }}{{ -a[0]|abs }}","{{ s if s is string else s|tojson }}",
 "{{ 'a' is in 'abc' }}","{% set x = 'a' if t else 'b' %}{{ x }}","{% set loop = 1 %}","{% for loop in a %}{% endfor %}","{{ foo.bar.baz }}","{{ foo|upper }}|","{{ foo|join(',') }}|","{{ foo|trim }}|{{ foo|string|length }}","{{ [foo] }}","{{ {'a': foo} }}","{{ foo == foo }}{{ foo == none }}{{ foo != 1 }}","{{ foo is none }}","{% for i in range(3) %}{{ i }}{% if i == 1 %}{% set foo = i %}{% endif %}{{ foo }};{% endfor %}","{% for i in range(2) %}{{ s }}{% set s = i %}{{ s }};{% endfor %}{{ s }}","{% macro m() %}{{ zz }}{% endmacro %}{{ m() }}{% set zz = 5 %}{{ m() }}",
)


class Random:
    """Templates at random: expressions over C's variables by type, statements around them."""

    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *a):
        return self.r.choice(a)

    def num(self, d):
        if d <= 0:
            return self.pick("n", "neg", "zero", "f", "1", "2", "3.5", "0", "a[0]", "a|length", "s|length", "t", "i")
        x, y = self.num(d - 1), self.num(d - 1)
        return self.pick("(%s + %s)" % (x, y), "(%s - %s)" % (x, y), "%s * %s" % (x, y), "(%s // %s)" % (x, y), "(%s %% %s)" % (x, y),
                         "(%s / %s)" % (x, y), "-%s" % x, "((%s)|abs)" % x, "((%s)|int)" % x, "((%s)|float)" % x, "((%s)|round(1))" % x,
                         "(%s|sum)" % self.lst(d - 1), "(%s if %s else %s)" % (x, self.boo(d - 1), y), "(%s|length)" % self.txt(d - 1),
                         "[%s, %s]|max" % (x, y), "%s.count('l')" % self.txt(d - 1), "((%s)|default(%s))" % (x, y), "%s.find('o')" % self.txt(d - 1))

    def txt(self, d):
        if d <= 0:
            return self.pick("s", "u", "e", "'abc'", "'a,b,,c'", '" x "', "q", "d.y", "people[0].name", "ml", "'<|im_end|>'", "'\\n'", "html")
        x, y, k = self.txt(d - 1), self.txt(d - 1), self.pick("0", "1", "-1", "-2", "3", "100", "n")
        k2 = self.pick("", "1", "-1", "5", "n")
        return self.pick("(%s + %s)" % (x, y), "(%s ~ %s)" % (x, self.any(d - 1)), "((%s)|upper)" % x, "(%s|lower)" % x, "((%s)|trim)" % x, "(%s|title)" % x,
                         "(%s|capitalize)" % x, "%s.strip()" % x, "%s.replace('a', %s)" % (x, y), "%s.split('l')[0]" % x, "%s.split()|join('-')" % x,
                         "%s[%s:]" % (x, k), "%s[:%s]" % (x, k), "%s[%s:%s]" % (x, k, k2), "%s[::-1]" % x, "(%s|reverse)" % x, "((%s)|string)" % self.any(d - 1),
                         "((%s)|tojson)" % self.dat(d - 1), "(%s|join(%s))" % (self.lst(d - 1), y), "(%s if %s else %s)" % (x, self.boo(d - 1), y),
                         "(%s|indent(2))" % x, "((%s)|replace('o', '0'))" % x, "(%s|first)" % x, "(%s or %s)" % (x, y), "(%s and %s)" % (x, y),
                         "%s.rstrip('d')" % x, "%s.lstrip()" % x, "%s * %s" % (x, self.pick("0", "1", "2")), "(%s|default('z', true))" % x,
                         "'%%s:%%s' %% (%s, %s)" % (x, self.any(d - 1)), "%s.center(9)" % x, "%s.title()" % x, "m(%s, %s)" % (x, y))

    def boo(self, d):
        if d <= 0:
            return self.pick("t", "true", "false", "none", "missing", "e", "a", "zero", "n")
        x, y = self.any(d - 1), self.any(d - 1)
        return self.pick("%s == %s" % (x, y), "(%s != %s)" % (x, y), "(%s < %s)" % (self.num(d - 1), self.num(d - 1)), "(%s >= %s)" % (self.txt(d - 1), self.txt(d - 1)),
                         "not %s" % self.boo(d - 1), "(%s and %s)" % (self.boo(d - 1), self.boo(d - 1)), "(%s or %s)" % (self.boo(d - 1), self.boo(d - 1)),
                         "(%s in %s)" % (x, self.lst(d - 1)), "(%s not in %s)" % (self.txt(d - 1), self.txt(d - 1)), "(%s) is %s" % (x, self.pick("defined", "string", "number", "mapping", "iterable", "none", "true", "boolean", "integer", "sequence", "not none", "not defined")),
                         "%s.startswith(%s)" % (self.txt(d - 1), self.txt(d - 1)), "(%s < %s <= %s)" % (self.num(d - 1), self.num(d - 1), self.num(d - 1)),
                         "(%s) is divisibleby 3" % self.num(0), "(%s) is eq %s" % (x, self.pick("1", "'a'", "none")))

    def lst(self, d):
        if d <= 0:
            return self.pick("a", "[]", "[1, 2, 2]", "(3, 1)", "d.z", "people", "range(4)", "nest", "fl")
        x, y = self.lst(d - 1), self.any(d - 1)
        k = self.pick("0", "1", "-1", "-2", "2", "10")
        return self.pick("[%s, %s]" % (y, self.any(d - 1)), "(%s, %s)" % (y, self.any(d - 1)), "%s[%s:]" % (x, k), "%s[::%s]" % (x, self.pick("2", "-1", "1", "-2")), "(%s|list + [%s])" % (x, y),
                         "(%s|reverse|list)" % x, "(%s|list)" % x, "(%s|map('string')|list)" % x, "(%s|select|list)" % x, "(%s|reject('none')|list)" % x, "(%s|unique|list)" % x,
                         "%s.split('l')" % self.txt(d - 1), "(%s|sort)" % self.pick("a", "['b', 'A', 'c']", "[3, 1.5, true]", "d"), "people|map(attribute='%s')|list" % self.pick("name", "age", "zip"),
                         "people|selectattr('%s')|list" % self.pick("name", "tags"), "d.keys()|list", "d.items()|list", "(%s|batch(2)|list)" % x, "%s.splitlines()" % self.txt(d - 1))

    def dat(self, d):
        if d <= 0:
            return self.pick("d", "nest", "people", "a", "s", "n", "fl", "none")
        return self.pick("{'k': %s, %s: 2}" % (self.any(d - 1), self.pick("'b'", "1", "none", "s")), "[%s]" % self.any(d - 1), "%s" % self.lst(d - 1), "dict(a=%s)" % self.any(d - 1), "d|dictsort")

    def any(self, d):
        return self.pick(self.num, self.txt, self.boo, self.lst, self.txt, self.dat)(d)

    def space(self):
        return self.pick("", "", "\n", "  ", "\n  ", " x\n", "\t", "\n\n")

    def tag(self, text):
        a, b = self.pick("", "", "", "-", "+"), self.pick("", "", "", "-", "+")
        return "{%%%s %s %s%%}" % (a, text, b)

    def out(self, text):
        return "{{%s %s %s}}" % (self.pick("", "", "-"), text, self.pick("", "", "-"))

    def body(self, d):
        return "".join(self.space() + self.stmt(d) for _ in range(self.r.randint(1, 3))) + self.space()

    def stmt(self, d):
        e = self.r.randint(0, 2)
        if d <= 0:
            return self.pick(self.out(self.any(e)), self.out(self.txt(2)), "text", "{# c #}", self.out("x"), self.out("i"))
        kind = self.r.randint(0, 11)
        if kind == 0:
            return self.tag("if " + self.boo(e)) + self.body(d - 1) + self.tag("endif")
        if kind == 1:
            return self.tag("if " + self.boo(e)) + self.body(d - 1) + self.tag("elif " + self.any(e)) + self.body(d - 1) + self.tag("else") + self.body(d - 1) + self.tag("endif")
        if kind in (2, 3):
            cond = self.pick("", "", " if i", " if i is string", " if loopx is not defined")
            inner = self.body(d - 1) + self.pick("", self.out("loop." + self.pick("index", "last", "first", "length", "revindex", "previtem", "nextitem")), self.tag("if i == 1") + self.tag(self.pick("break", "continue")) + self.tag("endif"))
            other = self.pick("", self.tag("else") + self.body(d - 1))
            return self.tag("for i in " + self.pick(self.lst(e), self.txt(e), "d", "missing") + cond) + inner + other + self.tag("endfor")
        if kind == 4:
            return self.tag("for k, v in d.items()") + self.out("k ~ v") + self.body(d - 1) + self.tag("endfor")
        if kind == 5:
            return self.tag("set x = " + self.any(e)) + self.out("x")
        if kind == 6:
            return self.tag("set x") + self.body(d - 1) + self.tag("endset") + self.out("x|length")
        if kind == 7:
            return self.tag("set ns.x = " + self.any(e)) + self.out("ns.x")
        if kind == 8:
            return self.tag("with x = " + self.any(e)) + self.body(d - 1) + self.tag("endwith")
        if kind == 9:
            return self.tag("filter " + self.pick("upper", "trim", "replace('a', 'b')")) + self.body(d - 1) + self.tag("endfilter")
        if kind == 10:
            return self.tag("call(i) c(%s)" % self.any(e)) + self.body(d - 1) + self.tag("endcall")
        return self.tag("generation") + self.body(d - 1) + self.tag("endgeneration")

    def template(self):
        return ("{% set ns = namespace(x=0) %}{% macro m(a, b='B') %}[{{ a }}|{{ b }}]{% endmacro %}"
                "{% macro c(a) %}<{{ a }}{{ caller(1) }}>{% endmacro %}" + self.body(self.r.randint(1, 3)))


def render(env, t):
    try:
        return env.from_string(t).render(**templates.context(dict(messages=[], variables=json.loads(json.dumps(C)))))
    except Exception:
        return None


def main():
    env = templates.environment()
    gen = Random(20260102)
    print(json.dumps({"context": C}))
    cases = T + [gen.template() for _ in range(900)]
    for i, t in enumerate(cases):
        out = render(env, t)
        if out is None and i >= len(T) and i % 4 != 0:
            continue  # random templates often fail: a quarter of those is enough
        if out is not None and (" at 0x" in out or len(out) > 4000):
            continue  # an address, which differs each time
        print(json.dumps({"t": t, "e": True} if out is None else {"t": t, "o": out}))


if __name__ == "__main__":
    main()
