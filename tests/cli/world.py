"""world.py WORLD SEED -- the little world's promises, looked at from outside.

Runs the generator and checks what it writes by means of its own: sums are computed again, exercises solved again,
and texts of the splits compared. Prints "ok LABEL" or "FAIL LABEL: why" for each, as world.sh expects."""
import json
import re
import subprocess
import sys

WORLD, SEED = sys.argv[1], sys.argv[2]


def run(*args):
    return subprocess.run([WORLD, *args], stdout=subprocess.PIPE, check=True).stdout.decode()


def lines(*args):
    return [json.loads(line) for line in run(*args, '--seed', SEED).splitlines()]


def report(label, bad):
    bad = list(bad)
    print('FAIL %s: %s' % (label, str(bad[0])[:300]) if bad else 'ok %s' % label)


def before(item):
    """All that was said before the answer, system messages apart."""
    return json.dumps([m for m in item['messages'] if m['role'] != 'system'])


train = lines('--kind', 'chat', '--count', '40000') + lines('--kind', 'study', '--count', '20000')
valid = lines('--kind', 'chat', '--split', 'valid', '--count', '2000')
test = lines('--kind', 'eval', '--split', 'test', '--count', '400')
kinds = {}
for item in test:
    kinds.setdefault(item['kind'], []).append(item)
report('every kind of question', [k for k in 'facts phrasings follow-up addition subtraction steps products sort reading unknown '
                                  'greetings call result'.split() if k not in kinds] + ['no tool'] * ('no tool' not in kinds))

# Facts: one answer each, from the table and in everything that is asked.
facts = [row.split('\t') for row in run('--list', 'facts').splitlines()]
report('%d facts, each once' % len(facts), [f for f in facts if sum(g[:2] == f[:2] for g in facts) > 1])
said = {}
for talk in train + valid:
    messages = [m for m in talk['messages'] if m['role'] != 'system']
    offered = [t['function']['name'] for t in talk.get('tools', [])]
    for i, m in enumerate(messages):
        if m['role'] == 'assistant' and not messages[0]['content'].lower().startswith(
                ('tell me a story', 'do you know a story', 'a story', 'write a s', 'please tell a story')):
            said.setdefault(json.dumps([messages[:i], offered]), set()).add(json.dumps([m['content'], m.get('tool_calls')]))
report('the same question, the same answer', [k + str(v) for k, v in said.items() if len(v) > 1 and 'story' not in k])
answers = {m['content'] for talk in train for m in talk['messages'] if m['role'] == 'assistant'}
report('every fact is trained', [f for f in facts if f[2] not in answers])

table, wrong = {f[2] for f in facts}, []
for i in kinds['yes or no']:
    verdict, _, claim = i['answer'].partition(', ')
    value = ' '.join(claim[:-1].split()[-2 if ' lies by ' in claim else -1:])
    if claim[0].upper() + claim[1:] not in table or (verdict == 'Yes') != bool(
            re.search(r'\b%s\b' % value, i['messages'][-1]['content'])):
        wrong.append(i)
report('yes where it is so, no where it is not', wrong)

# Splits. What was asked in training, whole and as it was typed, is never a test.
asked = {m['content'] for talk in train for m in talk['messages'] if m['role'] == 'user'}
talks = {json.dumps([m for m in talk['messages'][:i] if m['role'] != 'system'])
         for talk in train for i in range(1, len(talk['messages']))}
report('no question of the test is trained',
       [i for i in test if i['kind'] not in ('follow-up', 'addition', 'subtraction', 'steps', 'word problems', 'result')
        and [m for m in i['messages'] if m['role'] == 'user'][-1]['content'] in asked])
report('no follow-up of the test is trained', [i for i in kinds['follow-up'] if before(i) in talks
                                               and i['answer'] != 'You did not tell me.'])
report('no question of the test is in validation', [i for i in kinds['facts'] + kinds['phrasings'] if i['messages'][-1]['content']
                                                    in {m['content'] for t in valid for m in t['messages']}])

# Sums: right, and two-digit ones of one split only.
SUM = re.compile(r'(\d+) ([-+*/]) (\d+)(?: \+ (1))? = (\d+)')


def sums(texts):
    for text in texts:
        for a, op, b, one, c in SUM.findall(text or ''):
            yield int(a), op, int(b), int(one or 0), int(c)


def pairs(found):
    for a, op, b, _, c in found:
        if op in '+-':
            a, b = (a, b) if op == '+' else (b, c)
            if 10 <= min(a, b) and max(a, b) <= 99:
                yield min(a, b), max(a, b)


def texts(items):
    return [m['content'] for i in items for m in i['messages'] if m['content']] + [i['answer'] for i in items if 'answer' in i]


OPS = {'+': lambda a, b: a + b, '-': lambda a, b: a - b, '*': lambda a, b: a * b, '/': lambda a, b: a / b}
trained = list(sums(texts(train)))
tested = list(sums(i['answer'] for k in ('addition', 'subtraction', 'steps', 'word problems') for i in kinds[k]))
report('%d sums are right' % len(trained), [s for s in trained + tested if OPS[s[1]](s[0], s[2]) + s[3] != s[4]])
a, b = set(pairs(trained)), set(pairs(tested))
report('%d pairs trained, %d tested, none of them both' % (len(a), len(b)), a & b)
report('most pairs are trained', [] if len(a) > 3000 and len(b) > 200 else [(len(a), len(b))])
report('every pair of digits is trained', [(i, j) for i in range(10) for j in range(10)
                                           if (i, '+', j) not in {s[:3] for s in trained}])

# Exercises, solved here.
SOLVE = {
    'repeat': lambda w, q: ' '.join(w),
    'count': lambda w, q: 'There are %d words.' % len(w),
    'first': lambda w, q: w[0],
    'last': lambda w, q: w[-1],
    'capitals': lambda w, q: ' '.join(w).upper(),
    'numbered list': lambda w, q: '\n'.join('%d. %s' % (i + 1, x) for i, x in enumerate(w)),
    'bullets': lambda w, q: '\n'.join('- ' + x for x in w),
    'commas': lambda w, q: ', '.join(w),
    'sort': lambda w, q: ' '.join(sorted(w)),
}
wrong = []
for kind, solve in SOLVE.items():
    for i in kinds[kind]:
        question, _, words = i['messages'][-1]['content'].rpartition(': ')
        if solve(words.split(), question) != i['answer']:
            wrong.append(i)
report('exercises are solved', wrong)
report('spelling', [i for i in kinds['spell'] if i['answer'].replace('-', '').lower() not in i['messages'][-1]['content'].lower()])

# Reading: what is cited names whom the question is about, and holds every word of the answer that is not grammar.
wrong = []
for i in kinds['reading']:
    text = i['messages'][-1]['content']
    sources = dict(re.findall(r'^\[(\d)\] (.*)$', text, re.M))
    answer, n = re.match(r'(.*) \[(\d)\]$', i['answer']).groups()
    words = [w for w in re.findall(r'[A-Z]\w+', answer) if w not in ('The',)]
    if n not in sources or not all(w in sources[n] for w in words) or not any(w in text.split('Question: ')[1] for w in words):
        wrong.append(i)
report('%d answers stand in their source' % len(kinds['reading']), wrong)
trained_text = ' '.join(asked)
unseen = [i for i in kinds['unknown'] if re.fullmatch(r'I do not know [A-Z]\w+\.', i['answer'])]
report('%d invented names of the test are not trained' % len(unseen),
       [i for i in unseen if re.search(r'\b%s\b' % i['answer'][14:-1], trained_text)])

# Tools: arguments as Python writes JSON, only tools that are offered, results that fit.
wrong, count = [], 0
for talk in train:
    offered = {t['function']['name']: t['function'] for t in talk.get('tools', [])}
    for n, m in enumerate(talk['messages']):
        for call in m.get('tool_calls') or []:
            f, result = call['function'], talk['messages'][n + 1]
            args = json.loads(f['arguments'])
            count += 1
            if (json.dumps(args, ensure_ascii=False) != f['arguments'] or f['name'] not in offered or result['role'] != 'tool'
                    or set(args) != set(offered[f['name']]['parameters']['properties'])
                    or result['tool_call_id'] != call['id']):
                wrong.append(talk)
            if f['name'] == 'write_file' and result['content'].startswith('wrote') and result['content'] != \
                    'wrote %d bytes to %s' % (len(args['content'].encode()), args['path']):
                wrong.append(talk)
            if f['name'] == 'calculator' and eval(args['expression'], {'__builtins__': {}}) != int(result['content']):
                wrong.append(talk)
report('%d calls and their results' % count, wrong)
report('tools are the listed ones', [] if {json.dumps(t) for x in train for t in x.get('tools', [])}
       == {json.dumps(t) for t in json.loads(run('--list', 'tools'))} else ['other tools'])

# Articles for retrieval: names of their own; questions that their articles answer, with words that are theirs.
articles = run('--kind', 'articles', '--split', 'test', '--count', '200', '--seed', SEED).strip().split('\n\n')
questions = lines('--kind', 'questions', '--split', 'test', '--count', '200')
wrong = [q for q in questions if not all(w in articles[q['article']] for w in re.findall(r'[A-Z]\w+', q['answer']) if w != 'The')]
report('%d articles answer their questions' % len(articles), wrong + ['lengths'] * (len(articles) != 200 or len(questions) != 200))
names = [max(re.findall(r'[A-Z]\w+', q['answer']), key=lambda w: w in q['question']) for q in questions]
report('articles are about nobody who is trained', [n for n in names if re.search(r'\b%s\b' % n, trained_text)])

# Documents for the tokenizer and the first training.
docs = run('--kind', 'pretrain', '--count', '3000', '--seed', SEED).split('<|endoftext|>\n')
report('documents', ['count %d' % len(docs)] * (len(docs) != 3001) + [d for d in docs[:-1] if not d.endswith('\n') or '$' in d
                                                                       or '[|' in d or '^' in d or '~' in d])
report('documents hold no tested sum', set(pairs(sums(docs))) & b)
report('ASCII only', [d for d in docs if not d.isascii()])
