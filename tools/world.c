// cc -O2 tools/world.c -o world
/* The little world: every text that tiny.gguf learns from, and what it is examined with.

   It is a closed world. 48 people live in 12 towns; each has a job, a pet with a name, a friend and a few likings;
   each town a river or lake, a fame, a mayor, a market day and a flag. There are opposites, sounds of animals,
   days and months. Everything else is made up as it goes: sums, files, words to turn round, and people with
   invented names who exist in one text only, so that what is said of them has to be read there.

   The forms that programs use with this model (configs/train/tiny.jinja renders them):
     tools     OpenAI's JSON. The template lists them as `name(arguments): description` in the system message.
               A call is <tool_call>{"name": "...", "arguments": {...}}</tool_call>, its result a message of the
               role "tool", rendered \n<tool_result>\n...\n</tool_result>\n. Results, which the agent writes so:
                 read_file        the file; (empty file)
                 write_file       wrote N bytes to PATH
                 list_dir         one name a line, sorted, folders with a / behind them; (empty folder)
                 search_codebase  PATH:LINE: the line, one a line; no matches
                 run_command      exit code N, then STDOUT: and STDERR: with their text below, where there is any
                 calculator       the number
                 any              error: the reason
     sources   "Answer from these sources and cite them like [1].\n\n"
               "[1] Telvi: She is a baker. [1] Telvi: Her pet is a cat. [1]\n[2] Text. [2] More. [2]\n\n"
               and "Question: ..."
               Every sentence has before it the heading that its source stands under, if there is one (nine times in
               ten), as "she" says little alone; and behind it the source's number, so that to cite is to copy. The
               answer ends in the number of its source, "Telvi lives in Elmby. [2]", or is "The sources do not say."

   Held out. A question is a core in a wrapper ("Do you know *?"). One pair of them in fourteen is never trained
   on: the split decides by a hash of relation, core and wrapper. Of the others, one combination of fact, core
   and wrapper in ten is for the test and one in twenty for validation, again by a hash: the facts are trained, in
   other words. Two-digit sums are split by a hash of their operands, whatever their order, in sums,
   differences, follow-ups and the calculator's calls alike. What is made up is split by a hash of the whole
   question, and invented names by a hash of the name. So no seed can mix the splits.

   The same seed gives the same bytes on every machine. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static void die(int code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("world: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    exit(code);
}

/* ---- texts that grow ------------------------------------------------------------- */

typedef struct text {
    char *s; /* NUL-terminated once anything was put in */
    size_t n, cap;
    size_t article; /* behind an "a" that waits for the next letter; 0: none does */
    bool capital;   /* the next letter is a capital                               */
} text;

static void put_byte(text *t, char c)
{
    if (t->n + 2 > t->cap) {
        t->cap = t->cap * 2 + 256;
        t->s = (char *)realloc(t->s, t->cap);
        if (t->s == NULL)
            die(1, "out of memory");
    }
    t->s[t->n++] = c;
    t->s[t->n] = 0;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* One character, after what `a~` and `^` of a pattern have asked of the next letter. */
static void put_char(text *t, char c)
{
    if (t->article != 0 && c != ' ') {
        if (strchr("aeiouAEIOU", c) != NULL) {
            put_byte(t, 'x');
            memmove(t->s + t->article + 1, t->s + t->article, t->n - t->article - 1);
            t->s[t->article] = 'n';
        }
        t->article = 0;
    }
    if (t->capital && is_letter(c)) {
        c = c >= 'a' ? (char)(c - 'a' + 'A') : c;
        t->capital = false;
    }
    put_byte(t, c);
}

static void put(text *t, const char *s)
{
    while (*s != 0)
        put_char(t, *s++);
}

static void put_number(text *t, long v)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%ld", v);
    put(t, digits);
}

static void clear(text *t)
{
    t->n = t->article = 0;
    t->capital = false;
    put_byte(t, 0);
    t->n = 0;
}

/* ---- chance, and the splits ------------------------------------------------------ */

typedef enum split { TRAIN, VALID, TEST, SPLITS } split;
static const char *const split_name[SPLITS] = {"train", "valid", "test"};

static uint64_t mix(uint64_t h)
{
    h ^= h >> 30;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 27;
    h *= 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

/* FNV-1a, mixed. */
static uint64_t hash_text(uint64_t h, const char *s)
{
    h ^= 0xcbf29ce484222325u;
    for (; *s != 0; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return mix(h);
}

static uint64_t hash_number(uint64_t h, uint64_t v)
{
    return mix(h * 0x9e3779b97f4a7c15u + v + 1);
}

/* One in ten is for the test, one in twenty for validation. */
static split split_of(uint64_t h)
{
    unsigned part = (unsigned)(h % 100);
    return part < 10 ? TEST : part < 15 ? VALID : TRAIN;
}

/* Where one question and its answer come from: chance, and for which split. */
typedef struct maker {
    uint64_t state;
    split want;
    bool held;      /* a phrasing that is never trained on has been used    */
    uint64_t combo; /* hash of what decides the split otherwise; 0: nothing */
    bool known;     /* nobody is invented: texts for a tokenizer              */
    bool spoiled;   /* an earlier part of a sample to be trained is held out */
    const char *var[128];
    char name[96][24]; /* invented in this sample */
    unsigned n_names;
    char number[8][24];
    text scratch;
    struct sources *sources; /* the last ones, to ask about them again */
} maker;

static uint64_t chance(maker *g)
{
    g->state += 0x9e3779b97f4a7c15u;
    return mix(g->state);
}

/* 0 .. n - 1; the bias of the remainder is beyond notice. */
static unsigned below(maker *g, unsigned n)
{
    return (unsigned)((chance(g) >> 16) % n);
}

static bool percent(maker *g, unsigned p)
{
    return below(g, 100) < p;
}

static unsigned between(maker *g, unsigned low, unsigned high)
{
    return low + below(g, high - low + 1);
}

static const char *pick(maker *g, const char *const *array, unsigned n)
{
    return array[below(g, n)];
}
#define PICK(g, array) pick(g, array, COUNT(array))

/* The split that a sample belongs to, so far. */
static split verdict(const maker *g)
{
    return g->held ? TEST : g->combo != 0 ? split_of(g->combo) : g->want;
}

/* Only what comes now decides on the split. What was said before must not give away a test, in training and
   validation, nor in training what validates. */
static void settle(maker *g)
{
    const split part = verdict(g);
    g->spoiled = g->spoiled || (g->want != TEST && part != TRAIN && part != g->want);
    g->held = false;
    g->combo = 0;
}

/* ---- patterns -------------------------------------------------------------------- */

/* Where the bracket that opens at p is closed. */
static const char *closing(const char *p)
{
    int depth = 0;
    for (;; p++) {
        depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
        if (depth == 0)
            return p;
    }
}

/* One alternative of [a|b|c]; p stands behind the bracket. *end is set to where the alternative ends. */
static const char *alternative(maker *g, const char *p, const char **end)
{
    const char *begin[16], *stop[16];
    unsigned n = 0, i;
    int depth = 0;
    begin[0] = p;
    for (;; p++) {
        if (depth == 0 && (*p == '|' || *p == ']')) {
            stop[n++] = p;
            if (*p == ']' || n == 16)
                break;
            begin[n] = p + 1;
        }
        depth += *p == '[' ? 1 : *p == ']' ? -1 : 0;
    }
    i = below(g, n);
    *end = stop[i];
    return begin[i];
}

/* A pattern [from, to) as text. [a|b] is one of the two, $x a variable, ^ makes the next letter a capital,
   a~ is "a" or "an", \ takes the next character as it is. Nesting is what the tables below have: two. */
static void say_part(maker *g, text *out, const char *from, const char *to)
{
    const char *p, *begin, *end;
    for (p = from; p < to; p++) {
        if (*p == '\\' && p + 1 < to) {
            put_char(out, *++p);
        } else if (*p == '[') {
            begin = alternative(g, p + 1, &end);
            say_part(g, out, begin, end);
            p = closing(p);
        } else if (*p == '$' && p + 1 < to && g->var[(unsigned char)p[1]] != NULL) {
            put(out, g->var[(unsigned char)*++p]);
        } else if (*p == '^') {
            out->capital = true;
        } else if (*p == '~') {
            out->article = out->n;
        } else {
            put_char(out, *p);
        }
    }
}

static void say(maker *g, text *out, const char *pattern)
{
    say_part(g, out, pattern, pattern + strlen(pattern));
}

static void let(maker *g, char name, const char *value)
{
    g->var[(unsigned char)name] = value;
}

/* A number as a variable. Eight names at a time, by slot. */
static void let_number(maker *g, char name, unsigned slot, long value)
{
    snprintf(g->number[slot], sizeof g->number[slot], "%ld", value);
    let(g, name, g->number[slot]);
}

/* ---- the lexicon ----------------------------------------------------------------- */

static const char *const people[] = {
    "Ada",  "Ben",   "Cora", "Dan",  "Elsa",  "Finn", "Greta", "Hugo", "Ida",   "Jon",    "Kira", "Leo",
    "Mira", "Nils",  "Olga", "Emil", "Pia",   "Gus",  "Rosa",  "Sven", "Tara",  "Udo",    "Vera", "Wim",
    "Yara", "Zeno",  "Alma", "Karl", "Clara", "Max",  "Flora", "Otto", "Hanna", "Rolf",   "Jana", "Ivan",
    "Lena", "Bruno", "Nora", "Tom",  "Paula", "Jack", "Sara",  "Paul", "Wanda", "Viktor", "Zoe",  "Rudi"};
enum { PEOPLE = 48, TOWNS = 12 }; /* by turns she and he */
static const char *const towns[] = {"Oakport",  "Elmby",     "Greenhill", "Stonebridge",
                                    "Riverton", "Saltmouth", "Pinewood",  "Lakeside",
                                    "Sandford", "Northgate", "Millbrook", "Foxdale"};
static const char *const jobs[] = {"baker", "farmer", "teacher", "doctor",   "sailor", "painter", "builder",
                                   "cook",  "driver", "tailor",  "gardener", "miller", "singer",  "smith",
                                   "nurse", "pilot",  "writer",  "fisher",   "guard",  "judge"};
static const char *const pets[] = {"dog",    "cat",   "goat",   "hen",  "duck",  "horse",
                                   "rabbit", "mouse", "parrot", "frog", "sheep", "owl"};
static const char *const pet_names[] = {
    "Pip",    "Bella",  "Dot",    "Rex",   "Milo",   "Coco",   "Toby",   "Luna",  "Biscuit", "Socks",
    "Ginger", "Patch",  "Daisy",  "Bruce", "Honey",  "Nemo",   "Ruby",   "Duke",  "Misty",   "Oscar",
    "Pepper", "Ziggy",  "Mango",  "Tiger", "Lucky",  "Molly",  "Rusty",  "Snow",  "Teddy",   "Poppy",
    "Simba",  "Willow", "Buster", "Candy", "Fluffy", "Jasper", "Kiwi",   "Lotus", "Marble",  "Nutmeg",
    "Olive",  "Peanut", "Quincy", "Rocky", "Sandy",  "Tulip",  "Velvet", "Bongo"};
static const char *const colours[] = {"red",   "blue",  "green",  "yellow", "black",
                                      "white", "brown", "orange", "purple", "grey"};
static const char *const foods[] = {"bread", "cheese", "soup",  "rice",   "apples", "honey",
                                    "fish",  "plums",  "beans", "cake",   "eggs",   "pears",
                                    "nuts",  "corn",   "pasta", "berries"};
static const char *const instruments[] = {"flute",  "drum", "piano", "violin",
                                          "guitar", "harp", "horn",  "organ"};
static const char *const waters[] = {"Blue River", "Long Lake",   "Silver Sea", "Old River",
                                     "Deep Lake",  "White River", "Round Lake", "Green Bay"};
static const char *const fames[] = {"boats", "bells", "glass", "wool",  "clocks",  "pots",
                                    "kites", "songs", "roses", "lamps", "carpets", "toys"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};
static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const opposites[][2] = {
    {"hot", "cold"},   {"big", "small"},  {"day", "night"},  {"up", "down"},  {"open", "closed"},
    {"full", "empty"}, {"fast", "slow"},  {"old", "young"},  {"wet", "dry"},  {"hard", "soft"},
    {"light", "dark"}, {"long", "short"}, {"rich", "poor"},  {"high", "low"}, {"happy", "sad"},
    {"left", "right"}, {"early", "late"}, {"loud", "quiet"}, {"good", "bad"}, {"near", "far"}};
static const char *const sounds[][2] = {{"dog", "woof"},  {"cat", "meow"},     {"cow", "moo"},
                                        {"sheep", "baa"}, {"duck", "quack"},   {"pig", "oink"},
                                        {"owl", "hoo"},   {"frog", "croak"},   {"horse", "neigh"},
                                        {"hen", "cluck"}, {"mouse", "squeak"}, {"bee", "buzz"}};
static const char *const eats[][2] = {{"cow", "grass"},      {"cat", "mice"},   {"dog", "meat"},
                                      {"rabbit", "carrots"}, {"hen", "corn"},   {"horse", "hay"},
                                      {"bee", "nectar"},     {"owl", "mice"},   {"frog", "flies"},
                                      {"squirrel", "nuts"},  {"bear", "honey"}, {"duck", "weeds"}};
static const char *const legs[][2] = {
    {"dog", "four"},   {"cat", "four"},     {"cow", "four"}, {"hen", "two"},  {"bee", "six"}, {"duck", "two"},
    {"horse", "four"}, {"spider", "eight"}, {"fish", "no"},  {"snake", "no"}, {"ant", "six"}, {"owl", "two"}};
static const char *const looks[][2] = {{"grass", "green"},    {"snow", "white"},     {"coal", "black"},
                                       {"the sky", "blue"},   {"the sun", "yellow"}, {"blood", "red"},
                                       {"milk", "white"},     {"ash", "grey"},       {"wood", "brown"},
                                       {"a lemon", "yellow"}, {"a raven", "black"},  {"a frog", "green"}};
/* Words for exercises. None is also a name. */
static const char *const words[] = {
    "apple",  "river",  "stone",  "chair",   "table",  "green",  "happy",   "small",   "house",  "tree",
    "water",  "bread",  "lamp",   "door",    "window", "cloud",  "sun",     "moon",    "star",   "night",
    "fire",   "snow",   "rain",   "wind",    "book",   "paper",  "pen",     "box",     "ball",   "boat",
    "road",   "hill",   "lake",   "field",   "farm",   "garden", "bird",    "fish",    "dog",    "cat",
    "cow",    "horse",  "mouse",  "bee",     "hand",   "foot",   "head",    "eye",     "red",    "blue",
    "old",    "new",    "good",   "warm",    "cold",   "long",   "short",   "fast",    "slow",   "soft",
    "run",    "walk",   "jump",   "sing",    "play",   "sleep",  "eat",     "drink",   "read",   "write",
    "open",   "close",  "one",    "two",     "three",  "king",   "queen",   "cup",     "plate",  "spoon",
    "knife",  "salt",   "sugar",  "milk",    "egg",    "cake",   "soup",    "pear",    "plum",   "nut",
    "leaf",   "root",   "seed",   "rose",    "gold",   "iron",   "glass",   "wood",    "wool",   "rope",
    "wheel",  "clock",  "bell",   "drum",    "song",   "game",   "gift",    "letter",  "bridge", "tower",
    "market", "street", "school", "kitchen", "summer", "winter", "morning", "evening", "friend", "town"};

/* ---- relations: what can be said, asked and answered ------------------------------ */

typedef enum relation_id {
    HOME,
    JOB,
    PET,
    PETNAME,
    COLOUR,
    FOOD,
    FRIEND,
    PLAYS, /* of people */
    LIES,
    KNOWN,
    MAYOR,
    MARKET,
    FLAG, /* of towns  */
    WHO,
    WHAT,
    WHOSE,
    AFTER,
    BEFORE,
    MONTH_AFTER,
    MONTH_BEFORE,
    OPPOSITE,
    SOUND,
    EATS,
    LEGS,
    LOOKS,
    NEXT,
    RELATIONS
} relation_id;
enum { OF_PERSON = 8, OF_TOWN = 5, OF_ONE = 8 };

/* $P of whom, $V what, $K the kind of pet. `direct` are questions, `named` what follows "tell me". With
   pronouns ($s he, $h his, $o him) where it is clear of whom: `after`. `says` is how texts put it: there
   $p, $g, $o are "Mira", "Mira's", "Mira" or pronouns. */
typedef struct relation {
    const char *name, *answer;
    const char *direct[6], *named[3], *after[3], *says[3];
} relation;

static const relation relations[RELATIONS] = {
    {"home",
     "$P lives in $V.",
     {"Where does $P live?", "In which town does $P live?", "Where is the home of $P?",
      "Which town does $P live in?", "What is $P's home town?", "Which town is home to $P?"},
     {"where $P lives", "the home town of $P", "which town $P lives in"},
     {"Where does $s live?", "What is $h home town?", "In which town does $s live?"},
     {"^$p lives in $V.", "^$g home is in $V.", "The home town of $n is $V."}},
    {"job",
     "$P is a~ $V.",
     {"What is $P's job?", "What does $P do for work?", "What work does $P do?", "What job does $P have?",
      "What is the job of $P?", "How does $P earn money?"},
     {"what $P does for work", "the job of $P", "what job $P has"},
     {"What is $h job?", "What does $s do for work?", "What job does $s have?"},
     {"^$p is a~ $V.", "^$p works as a~ $V.", "^$g job is to be a~ $V."}},
    {"pet",
     "$P has a~ $V.",
     {"What pet does $P have?", "Which animal lives with $P?", "What kind of pet does $P keep?",
      "Which pet does $P own?", "What is $P's pet?", "What animal does $P have at home?"},
     {"what pet $P has", "which animal $P keeps", "the kind of pet that $P has"},
     {"What pet does $s have?", "Which animal lives with $o?", "What is $h pet?"},
     {"^$p has a~ $V.", "^$p keeps a~ $V.", "^$g pet is a~ $V."}},
    {"pet name",
     "$P's $K is called $V.",
     {"What is the name of $P's pet?", "What is $P's pet called?", "What name does $P's pet have?",
      "What is the pet of $P called?", "How does $P call the pet?", "What is $P's $K called?"},
     {"the name of $P's pet", "what $P's pet is called", "the name of $P's $K"},
     {"What is $h pet called?", "What is the name of $h pet?", "What name does $h $K have?"},
     {"^$g $K is called $V.", "^$p has a~ $K called $V.", "The name of $g $K is $V."}},
    {"colour",
     "$P's favourite colour is $V.",
     {"What is $P's favourite colour?", "Which colour does $P like best?", "What colour does $P love most?",
      "Which colour is $P's favourite?", "What is the favourite colour of $P?",
      "Which colour does $P prefer?"},
     {"which colour $P likes best", "the favourite colour of $P", "what $P's favourite colour is"},
     {"What is $h favourite colour?", "Which colour does $s like best?", "Which colour does $s prefer?"},
     {"^$g favourite colour is $V.", "^$p likes the colour $V best.",
      "The colour that $p loves most is $V."}},
    {"food",
     "$P's favourite food is $V.",
     {"What is $P's favourite food?", "What does $P like to eat most?", "Which food does $P like best?",
      "Which food is $P's favourite?", "What is the favourite food of $P?", "What does $P love to eat?"},
     {"which food $P likes best", "the favourite food of $P", "what $P likes to eat most"},
     {"What is $h favourite food?", "What does $s like to eat most?", "Which food does $s like best?"},
     {"^$g favourite food is $V.", "^$p loves to eat $V.", "The food that $p likes best is $V."}},
    {"friend",
     "$P's best friend is $V.",
     {"Who is $P's best friend?", "Who is the best friend of $P?", "Which friend does $P like best?",
      "What is the name of $P's best friend?", "Who is $P's closest friend?",
      "Whom does $P call a best friend?"},
     {"who $P's best friend is", "the best friend of $P", "the name of $P's best friend"},
     {"Who is $h best friend?", "Which friend does $s like best?", "What is the name of $h best friend?"},
     {"^$g best friend is $V.", "^$p is best friends with $V.", "The best friend of $n is $V."}},
    {"plays",
     "$P plays the $V.",
     {"What instrument does $P play?", "Which instrument does $P play?", "What does $P play?",
      "What can $P play?", "What is the instrument of $P?", "What music does $P make?"},
     {"which instrument $P plays", "the instrument of $P", "what $P can play"},
     {"What instrument does $s play?", "What can $s play?", "Which instrument does $s play?"},
     {"^$p plays the $V.", "^$p can play the $V.", "^$g instrument is the $V."}},
    {"lies",
     "$P lies by the $V.",
     {"Where does $P lie?", "By which water does $P lie?", "What water is $P near?", "Where is $P?",
      "Which water flows past $P?", "What is the water at $P called?"},
     {"where $P lies", "by which water $P lies", "which water $P is near"},
     {"Where does it lie?", "By which water does it lie?", "Where is it?"},
     {"^$p lies by the $V.", "The $V is close to $p.", "^$p stands on the shore of the $V."}},
    {"known",
     "$P is known for its $V.",
     {"What is $P known for?", "What is $P famous for?", "What makes $P famous?", "What do they make in $P?",
      "Which things is $P known for?", "What do people buy in $P?"},
     {"what $P is known for", "what $P is famous for", "what they make in $P"},
     {"What is it known for?", "What is it famous for?", "What do they make there?"},
     {"^$p is known for its $V.", "^$p is famous for its $V.", "People come to $p for its $V."}},
    {"mayor",
     "The mayor of $P is $V.",
     {"Who is the mayor of $P?", "What is the name of the mayor of $P?", "Who leads $P?",
      "Who is $P's mayor?", "Which person is mayor of $P?", "Whom did $P choose as mayor?"},
     {"who the mayor of $P is", "the name of $P's mayor", "who leads $P"},
     {"Who is its mayor?", "Who is the mayor there?", "What is the mayor called?"},
     {"The mayor of $n is $V.", "^$g mayor is $V.", "^$V is the mayor of $n."}},
    {"market",
     "The market in $P is on $V.",
     {"When is the market in $P?", "On which day is the market in $P?", "What is the market day in $P?",
      "Which day is market day in $P?", "When can I go to the market in $P?",
      "When does $P have its market?"},
     {"when the market in $P is", "the market day of $P", "on which day $P has its market"},
     {"When is the market there?", "What is the market day there?", "On which day is its market?"},
     {"The market in $n is on $V.", "^$g market day is $V.", "^$p has its market on $V."}},
    {"flag",
     "The flag of $P is $V.",
     {"What colour is the flag of $P?", "Which colour does $P's flag have?",
      "What is the colour of $P's flag?", "What colour is $P's flag?", "What does the flag of $P look like?",
      "Which colour is on the flag of $P?"},
     {"the colour of $P's flag", "what colour the flag of $P is", "which colour $P's flag has"},
     {"What colour is its flag?", "Which colour does its flag have?", "What does its flag look like?"},
     {"The flag of $n is $V.", "^$g flag is $V.", "^$p has a~ $V flag."}},
    {"who",
     "$P is a~ $V from $K.",
     {"Who is $P?", "What do you know about $P?", "What can you tell me about $P?", "Who is this $P?",
      "Do you know $P?", "Have you heard of $P?"},
     {"who $P is", "something about $P", "what you know about $P"},
     {NULL, NULL, NULL},
     {"$P is a~ $V from $K.", "$P from $K is a~ $V.", "In $K there is a~ $V called $P."}},
    {"what",
     "$P is a town by the $V.",
     {"What is $P?", "What kind of place is $P?", "What do you know about $P?",
      "What can you tell me about $P?", "Do you know $P?", "Have you heard of $P?"},
     {"what $P is", "something about $P", "what you know about $P"},
     {NULL, NULL, NULL},
     {"$P is a town by the $V.", "By the $V there is a town called $P.", "The town of $P lies by the $V."}},
    {"whose",
     "$P is the $K of $V.",
     {"Whose pet is $P?", "Who owns $P?", "Who is $P?", "Whose animal is $P?", "To whom does $P belong?",
      "Who has a pet called $P?"},
     {"whose pet $P is", "who owns $P", "who $P is"},
     {NULL, NULL, NULL},
     {"^$V has a~ $K called $P.", "$P is the $K of $V.", "$P belongs to $V."}},
    {"day after",
     "The day after $P is $V.",
     {"What day comes after $P?", "Which day follows $P?", "What is the day after $P?",
      "What comes after $P?", "Today is $P. What day is tomorrow?", "Which day is next after $P?"},
     {"which day comes after $P", "the day after $P", "what day follows $P"},
     {NULL, NULL, NULL},
     {"The day after $P is $V.", "$V comes after $P.", "After $P comes $V."}},
    {"day before",
     "The day before $P is $V.",
     {"What day comes before $P?", "Which day is before $P?", "What is the day before $P?",
      "What comes before $P?", "Today is $P. What day was yesterday?", "Which day is just before $P?"},
     {"which day comes before $P", "the day before $P", "what day is before $P"},
     {NULL, NULL, NULL},
     {"The day before $P is $V.", "$V comes before $P.", "Before $P comes $V."}},
    {"month after",
     "The month after $P is $V.",
     {"What month comes after $P?", "Which month follows $P?", "What is the month after $P?",
      "Which month is next after $P?", "It is $P. What month is next?", "What is the next month after $P?"},
     {"which month comes after $P", "the month after $P", "what month follows $P"},
     {NULL, NULL, NULL},
     {"The month after $P is $V.", "$V comes after $P.", "After $P comes $V."}},
    {"month before",
     "The month before $P is $V.",
     {"What month comes before $P?", "Which month is before $P?", "What is the month before $P?",
      "Which month is just before $P?", "It is $P. What month was last?",
      "What is the last month before $P?"},
     {"which month comes before $P", "the month before $P", "what month is before $P"},
     {NULL, NULL, NULL},
     {"The month before $P is $V.", "$V comes before $P.", "Before $P comes $V."}},
    {"opposite",
     "The opposite of $P is $V.",
     {"What is the opposite of $P?", "What is the opposite of the word $P?",
      "Which word is the opposite of $P?", "What word means the opposite of $P?",
      "What is not $P but the opposite?", "$P has which opposite?"},
     {"the opposite of $P", "which word is the opposite of $P", "what the opposite of $P is"},
     {NULL, NULL, NULL},
     {"The opposite of $P is $V.", "^$P and $V are opposites.", "What is not $P may be $V."}},
    {"sound",
     "A~ $P says $V.",
     {"What does a~ $P say?", "What sound does a~ $P make?", "Which sound does a~ $P make?",
      "What is the sound of a~ $P?", "How does a~ $P sound?", "What noise does a~ $P make?"},
     {"what a~ $P says", "the sound of a~ $P", "what sound a~ $P makes"},
     {NULL, NULL, NULL},
     {"A~ $P says $V.", "The sound of a~ $P is $V.", "^$V, says the $P."}},
    {"eats",
     "A~ $P eats $V.",
     {"What does a~ $P eat?", "What food does a~ $P eat?", "What do you give a~ $P to eat?",
      "What is the food of a~ $P?", "What does a~ $P like to eat?", "Which food is good for a~ $P?"},
     {"what a~ $P eats", "the food of a~ $P", "which food a~ $P eats"},
     {NULL, NULL, NULL},
     {"A~ $P eats $V.", "The food of a~ $P is $V.", "^$V is what a~ $P eats."}},
    {"legs",
     "A~ $P has $V legs.",
     {"How many legs does a~ $P have?", "How many legs has a~ $P?", "What number of legs does a~ $P have?",
      "How many legs are on a~ $P?", "On how many legs does a~ $P go?", "How many legs do you see on a~ $P?"},
     {"how many legs a~ $P has", "the number of legs of a~ $P", "how many legs are on a~ $P"},
     {NULL, NULL, NULL},
     {"A~ $P has $V legs.", "There are $V legs on a~ $P.", "With $V legs goes a~ $P."}},
    {"looks",
     "^$P is $V.",
     {"What colour is $P?", "Which colour is $P?", "What is the colour of $P?", "What colour has $P?",
      "Which colour does $P have?", "How does $P look?"},
     {"what colour $P is", "the colour of $P", "which colour $P has"},
     {NULL, NULL, NULL},
     {"^$P is $V.", "The colour of $P is $V.", "^$V is the colour of $P."}},
    {"next",
     "After $P comes $V.",
     {"What number comes after $P?", "Which number follows $P?", "What is the number after $P?",
      "What comes after $P?", "Count on from $P.", "Which number is next after $P?"},
     {"which number comes after $P", "the number after $P", "what number follows $P"},
     {NULL, NULL, NULL},
     {"After $P comes $V.", "The number after $P is $V.", "$V follows $P."}}};

/* A question stands in one of these at its *, a named thing in one of the others. The first is the bare one. */
static const char *const around_direct[] = {"*",
                                            "Hi! *",
                                            "Hello Tiny. *",
                                            "Please tell me: *",
                                            "I have a question. *",
                                            "Now another one. *",
                                            "* Thank you."};
static const char *const around_named[] = {"Tell me *.",         "Please tell me *.",
                                           "Can you tell me *?", "Do you know *?",
                                           "I want to know *.",  "Hello, I would like to know *.",
                                           "Say *, please."};

/* ---- whom and what there is ------------------------------------------------------- */

/* A person or a town. value [i]: of relation HOME + i or LIES + i. */
typedef struct entity {
    const char *name, *value[OF_ONE];
    bool town, she;
} entity;

typedef struct fact {
    relation_id relation;
    const char *subject, *value, *kind; /* $P, $V, $K */
    const entity *of;                   /* NULL: neither a person nor a town */
} fact;

typedef struct world {
    entity person[PEOPLE], town[TOWNS];
    fact fact[1000];
    unsigned n_facts;
    char count[101][4]; /* numbers as words for NEXT */
} world;

static world earth;

static void add_fact(relation_id id, const char *subject, const char *value, const char *kind,
                     const entity *of)
{
    fact *f = &earth.fact[earth.n_facts++];
    if (earth.n_facts == COUNT(earth.fact))
        die(1, "the table of facts is too small");
    f->relation = id;
    f->subject = subject;
    f->value = value;
    f->kind = kind;
    f->of = of;
}

/* What of a hash of name and relation, evenly: neighbours in a list get different ones. */
static unsigned fate(const char *name, unsigned of, unsigned n)
{
    return (unsigned)(hash_number(hash_text(0x5eed, name), of) % n);
}

static void make_person(unsigned i)
{
    entity *e = &earth.person[i];
    unsigned friend_of = fate(people[i], FRIEND, PEOPLE - 1);
    e->name = people[i];
    e->she = strchr("ae", people[i][strlen(people[i]) - 1]) != NULL;
    e->value[HOME] = towns[i % TOWNS]; /* four in each town */
    e->value[JOB] = jobs[fate(people[i], JOB, COUNT(jobs))];
    e->value[PET] = pets[fate(people[i], PET, COUNT(pets))];
    e->value[PETNAME] = pet_names[i]; /* one owner each */
    e->value[COLOUR] = colours[fate(people[i], COLOUR, COUNT(colours))];
    e->value[FOOD] = foods[fate(people[i], FOOD, COUNT(foods))];
    e->value[FRIEND] = people[friend_of < i ? friend_of : friend_of + 1];
    e->value[PLAYS] = instruments[fate(people[i], PLAYS, COUNT(instruments))];
}

static void make_town(unsigned i)
{
    entity *e = &earth.town[i];
    e->name = towns[i];
    e->town = true;
    e->value[LIES - LIES] = waters[fate(towns[i], LIES, COUNT(waters))];
    e->value[KNOWN - LIES] = fames[i];
    e->value[MAYOR - LIES] = people[i + TOWNS * fate(towns[i], MAYOR, PEOPLE / TOWNS)]; /* who lives there */
    e->value[MARKET - LIES] = days[fate(towns[i], MARKET, COUNT(days))];
    e->value[FLAG - LIES] = colours[fate(towns[i], FLAG, COUNT(colours))];
}

static void add_cycle(const char *const *list, unsigned n, relation_id after, relation_id before)
{
    unsigned i;
    for (i = 0; i < n; i++) {
        add_fact(after, list[i], list[(i + 1) % n], NULL, NULL);
        add_fact(before, list[(i + 1) % n], list[i], NULL, NULL);
    }
}

static void add_pairs(const char *const (*list)[2], unsigned n, relation_id id)
{
    unsigned i;
    for (i = 0; i < n; i++)
        add_fact(id, list[i][0], list[i][1], NULL, NULL);
}

static void make_world(void)
{
    unsigned i, r;
    for (i = 0; i < PEOPLE; i++)
        make_person(i);
    for (i = 0; i < TOWNS; i++)
        make_town(i);
    for (i = 0; i < PEOPLE; i++) {
        const entity *e = &earth.person[i];
        for (r = 0; r < OF_PERSON; r++)
            add_fact((relation_id)r, e->name, e->value[r], e->value[PET], e);
        add_fact(WHO, e->name, e->value[JOB], e->value[HOME], e);
        add_fact(WHOSE, e->value[PETNAME], e->name, e->value[PET], NULL);
    }
    for (i = 0; i < TOWNS; i++) {
        const entity *e = &earth.town[i];
        for (r = 0; r < OF_TOWN; r++)
            add_fact((relation_id)(LIES + r), e->name, e->value[r], NULL, e);
        add_fact(WHAT, e->name, e->value[0], NULL, e);
    }
    add_cycle(days, COUNT(days), AFTER, BEFORE);
    add_cycle(months, COUNT(months), MONTH_AFTER, MONTH_BEFORE);
    add_pairs(opposites, COUNT(opposites), OPPOSITE);
    for (i = 0; i < COUNT(opposites); i++)
        add_fact(OPPOSITE, opposites[i][1], opposites[i][0], NULL, NULL);
    add_pairs(sounds, COUNT(sounds), SOUND);
    add_pairs(eats, COUNT(eats), EATS);
    add_pairs(legs, COUNT(legs), LEGS);
    add_pairs(looks, COUNT(looks), LOOKS);
    for (i = 0; i <= 100; i++)
        snprintf(earth.count[i], sizeof earth.count[i], "%u", i);
    for (i = 0; i < 100; i++)
        add_fact(NEXT, earth.count[i], earth.count[i + 1], NULL, NULL);
}

/* ---- names that nobody has ---------------------------------------------------------- */

static bool is_known(const char *name)
{
    unsigned i;
    for (i = 0; i < PEOPLE; i++)
        if (strcmp(name, people[i]) == 0 || strcmp(name, pet_names[i]) == 0)
            return true;
    for (i = 0; i < TOWNS; i++)
        if (strcmp(name, towns[i]) == 0)
            return true;
    return false;
}

/* A name of two or three syllables (towns have an ending), of this split and different from the others in the sample. */
static const char *invent(maker *g, const char *ending)
{
    static const char *const onset[] = {"b", "d", "f", "g", "h", "k",  "l",  "m",  "n",  "p",  "r",
                                        "s", "t", "v", "w", "z", "br", "dr", "gr", "kr", "st", "tr"};
    static const char *const nucleus[] = {"a", "e", "i", "o", "u", "a", "e", "i", "o", "ei", "au"};
    static const char *const coda[] = {"", "n", "l", "r", "s", "m", "", "", "k", "x"};
    char *name;
    unsigned n, i;
    if (g->known)
        return *ending == 0 ? PICK(g, people) : PICK(g, towns);
    if (g->n_names == COUNT(g->name))
        g->n_names = 0; /* more than any sample keeps in use */
    name = g->name[g->n_names];
    do {
        n = percent(g, 20) ? 3 : 2;
        name[0] = 0;
        for (i = 0; i < n; i++) {
            strcat(name, PICK(g, onset));
            strcat(name, PICK(g, nucleus));
        }
        strcat(name, *ending == 0 ? PICK(g, coda) : ending);
        name[0] = (char)(name[0] - 'a' + 'A');
        for (i = 0; i < g->n_names && strcmp(g->name[i], name) != 0; i++)
            ;
    } while (i < g->n_names || is_known(name) || split_of(hash_text(1, name)) != g->want);
    g->n_names++;
    return name;
}

/* ---- questions ----------------------------------------------------------------------- */

/* What is asked, with its answer in `var`. */
static void let_fact(maker *g, const fact *f)
{
    let(g, 'P', f->subject);
    let(g, 'V', f->value);
    let(g, 'K', f->kind != NULL ? f->kind : "pet");
}

static void let_pronouns(maker *g, const entity *e)
{
    let(g, 's', e->town ? "it" : e->she ? "she" : "he");
    let(g, 'h', e->town ? "its" : e->she ? "her" : "his");
    let(g, 'o', e->town ? "it" : e->she ? "her" : "him");
}

/* A core in its wrapper. */
static void wrap(maker *g, text *out, const char *around, const char *core)
{
    const char *star = strchr(around, '*');
    say_part(g, out, around, star);
    say(g, out, core);
    say(g, out, star + 1);
}

/* Takes note of a phrasing that the sample uses. One wrapper and core in fourteen is held out; never the bare. */
static void note_phrase(maker *g, const char *kind, const char *core, const char *around)
{
    uint64_t h = hash_text(hash_text(hash_text(2, kind), core), around);
    if (strcmp(around, "*") != 0 && h % 14 == 0)
        g->held = true;
    g->combo = hash_number(g->combo, h);
}

/* Asks for a fact in one of its relation's phrasings; the split by the fact and the phrasing. */
static void ask(maker *g, text *out, const fact *f)
{
    const relation *r = &relations[f->relation];
    bool direct = percent(g, 65);
    const char *core = direct ? PICK(g, r->direct) : PICK(g, r->named);
    const char *around = direct ? PICK(g, around_direct) : PICK(g, around_named);
    if (direct && percent(g, 30))
        around = around_direct[0];
    let_fact(g, f);
    g->combo = hash_text(hash_number(4, (uint64_t)f->relation), f->subject);
    note_phrase(g, r->name, core, around);
    wrap(g, out, around, core);
}

/* A fact of an entity. */
static fact fact_of(const entity *e, unsigned i)
{
    fact f;
    f.relation = (relation_id)(e->town ? LIES + i : HOME + i);
    f.subject = e->name;
    f.value = e->value[i];
    f.kind = e->town ? NULL : e->value[PET];
    f.of = e;
    return f;
}

/* ---- people and towns of one text ---------------------------------------------------- */

/* One of a list or, in `odd` percent, an invented name. */
static const char *pick_or_invent(maker *g, const char *const *array, unsigned n, unsigned odd,
                                  const char *ending)
{
    return percent(g, odd) ? invent(g, ending) : pick(g, array, n);
}

static void draw_values(maker *g, entity *e)
{
    if (e->town) {
        e->value[0] = PICK(g, waters);
        e->value[1] = PICK(g, fames);
        e->value[2] = pick_or_invent(g, people, PEOPLE, 40, "");
        e->value[3] = PICK(g, days);
        e->value[4] = PICK(g, colours);
        return;
    }
    e->value[HOME] = pick_or_invent(g, towns, TOWNS, 30, "by");
    e->value[JOB] = PICK(g, jobs);
    e->value[PET] = PICK(g, pets);
    e->value[PETNAME] = pick_or_invent(g, pet_names, COUNT(pet_names), 30, "");
    e->value[COLOUR] = PICK(g, colours);
    e->value[FOOD] = PICK(g, foods);
    do
        e->value[FRIEND] = pick_or_invent(g, people, PEOPLE, 30, "");
    while (strcmp(e->value[FRIEND], e->name) == 0);
    e->value[PLAYS] = PICK(g, instruments);
}

/* Somebody, or a town, of whom only this text says anything; with a known name in `known` percent, to teach that
   a text goes before what is remembered. */
static entity draw_entity(maker *g, unsigned known)
{
    entity e;
    memset(&e, 0, sizeof e);
    e.town = percent(g, 25);
    e.she = percent(g, 50);
    if (percent(g, known)) {
        const entity *like = e.town ? &earth.town[below(g, TOWNS)] : &earth.person[below(g, PEOPLE)];
        e.name = like->name;
        e.she = like->she;
    } else {
        e.name = invent(g, !e.town ? "" : percent(g, 50) ? "ford" : "ton");
    }
    draw_values(g, &e);
    return e;
}

/* The variables of `says`: the name, or pronouns. */
static void let_reference(maker *g, const entity *e, bool by_name, char possessive[32])
{
    let_pronouns(g, e);
    let(g, 'n', e->name);
    snprintf(possessive, 32, "%s's", e->name);
    let(g, 'p', by_name ? e->name : g->var['s']);
    let(g, 'g', by_name ? possessive : g->var['h']);
}

/* " [n]", the number of a source. */
static void put_mark(text *out, unsigned n)
{
    put(out, " [");
    put_number(out, (long)n);
    put_char(out, ']');
}

/* Says some things of one entity: those of `mask`, in any order, the name first and pronouns mostly later. In a
   source (its number; 0: it is none) the number stands behind each, and before each the heading, which is the name,
   if it has one. */
static void describe(maker *g, text *out, const entity *e, unsigned mask, unsigned source, bool heading)
{
    char possessive[32];
    unsigned order[OF_ONE], n = 0, i, j;
    for (i = 0; i < (e->town ? (unsigned)OF_TOWN : (unsigned)OF_PERSON); i++)
        if (mask >> i & 1)
            order[n++] = i;
    for (i = n; i > 1; i--) {
        unsigned swap = order[i - 1];
        j = below(g, i);
        order[i - 1] = order[j];
        order[j] = swap;
    }
    for (i = 0; i < n; i++) {
        fact f = fact_of(e, order[i]);
        let_fact(g, &f);
        let_reference(g, e, i == 0 || percent(g, 20), possessive);
        if (i > 0)
            put_char(out, ' ');
        if (heading) {
            put(out, e->name);
            put(out, ": ");
        }
        say(g, out, PICK(g, relations[f.relation].says));
        if (source > 0)
            put_mark(out, source);
    }
}

/* ---- conversations -------------------------------------------------------------------- */

typedef enum role { SYSTEM, USER, ASSISTANT, TOOL } role;
static const char *const role_name[] = {"system", "user", "assistant", "tool"};

typedef struct message {
    role role;
    text body;
    const char *tool; /* of a call; NULL: none */
    text arguments;   /* its JSON object       */
} message;

enum { MOST_MESSAGES = 64 };
typedef struct talk {
    message m[MOST_MESSAGES];
    unsigned n;
    unsigned tools;   /* offered, a bit each        */
    const char *kind; /* what the last answer shows */
} talk;

static text *add(talk *t, role who)
{
    message *m;
    if (t->n == MOST_MESSAGES)
        die(1, "a conversation is too long");
    m = &t->m[t->n++];
    m->role = who;
    m->tool = NULL;
    clear(&m->body);
    clear(&m->arguments);
    return &m->body;
}

/* The answer to what was asked last. */
static void answer(maker *g, talk *t, const char *pattern)
{
    say(g, add(t, ASSISTANT), pattern);
}

static const char *last(const talk *t)
{
    return t->m[t->n - 1].body.s;
}

/* Splits by all of the last question. */
static void note_question(maker *g, const talk *t)
{
    g->combo = hash_text(3, last(t));
}

/* The same question as people type: no capitals, no mark. Only trained, never asked in a test. */
static void blur(maker *g, text *t)
{
    size_t i;
    if (g->want != TRAIN || !percent(g, 7))
        return;
    for (i = 0; i < t->n; i++)
        if (t->s[i] >= 'A' && t->s[i] <= 'Z')
            t->s[i] = (char)(t->s[i] - 'A' + 'a');
    if (t->n > 0 && strchr("?.", t->s[t->n - 1]) != NULL)
        t->s[--t->n] = 0;
}

static const char *answer_of(const fact *f)
{
    return relations[f->relation].answer;
}

/* Any fact, people's and towns' more often than what everybody knows. */
static const fact *draw_fact(maker *g)
{
    const fact *f;
    do
        f = &earth.fact[below(g, earth.n_facts)];
    while (f->relation == NEXT && percent(g, 60));
    return f;
}

/* Whether something is so: of people and towns, in the order of their relations. $W is what may be wrong. */
static const char *const checks[LIES + OF_TOWN][2] = {
    {"Does $P live in $W?", "Is $P from $W?"},
    {"Is $P a~ $W?", "Does $P work as a~ $W?"},
    {"Does $P have a~ $W?", "Is $P's pet a~ $W?"},
    {"Is $P's $K called $W?", "Is $W the name of $P's pet?"},
    {"Is $W the favourite colour of $P?", "Does $P like the colour $W best?"},
    {"Is $W the favourite food of $P?", "Does $P like $W most of all food?"},
    {"Is $W the best friend of $P?", "Is $P's best friend $W?"},
    {"Does $P play the $W?", "Can $P play the $W?"},
    {"Does $P lie by the $W?", "Is $P near the $W?"},
    {"Is $P known for its $W?", "Is $P famous for $W?"},
    {"Is $W the mayor of $P?", "Is the mayor of $P called $W?"},
    {"Is the market in $P on $W?", "Is $W market day in $P?"},
    {"Is the flag of $P $W?", "Does $P have a~ $W flag?"}};

/* Half of what is asked is so; the other half is so of somebody else. */
static void make_check(maker *g, talk *t)
{
    const fact *f, *other;
    const char *core, *around = percent(g, 50) ? "*" : PICK(g, around_direct), *says;
    text *q = add(t, USER), *a;
    bool yes;
    do
        f = draw_fact(g);
    while (f->relation >= WHO);
    do
        other = draw_fact(g);
    while (other->relation != f->relation);
    if (percent(g, 45))
        other = f;
    yes = strcmp(other->value, f->value) == 0;
    let_fact(g, f);
    let(g, 'W', other->value);
    core = PICK(g, checks[f->relation]);
    g->combo = hash_text(hash_text(hash_number(12, (uint64_t)f->relation), f->subject), other->value);
    note_phrase(g, "check", core, around);
    wrap(g, q, around, core);
    blur(g, q);
    t->kind = "yes or no";
    says = answer_of(f);
    a = add(t, ASSISTANT);
    put(a, yes ? "Yes, " : "No, ");
    if (strncmp(says, "The ", 4) == 0) {
        put_char(a, 't');
        says++;
    }
    say(g, a, says);
}

static void make_fact(maker *g, talk *t)
{
    const fact *f = draw_fact(g);
    ask(g, add(t, USER), f);
    t->kind = g->held ? "phrasings" : "facts";
    blur(g, &t->m[t->n - 1].body);
    answer(g, t, answer_of(f));
}

/* ---- what nobody here knows ------------------------------------------------------------ */

static void make_unknown(maker *g, talk *t)
{
    static const char *const unknown[] = {"France",      "Rome",     "China",       "the moon", "Mars",
                                          "London",      "Africa",   "America",     "the king", "Einstein",
                                          "Shakespeare", "football", "the war",     "India",    "Mozart",
                                          "Spain",       "Tokyo",    "the internet"};
    static const char *const cores[] = {"What is the capital of $X?",
                                        "How old is $X?",
                                        "Who wrote a book about $X?",
                                        "What is the weather in $X?",
                                        "How far is it to $X?",
                                        "What is the history of $X?",
                                        "Who found $X?",
                                        "How big is $X?",
                                        "Why is $X so famous?",
                                        "What language do they speak in $X?",
                                        "When did $X begin?",
                                        "What do you think of $X?",
                                        "Explain $X to me.",
                                        "Who won against $X?",
                                        "How much does $X cost?"};
    static const char *const more[] = {"How old is $P?",
                                       "What is $P's shoe size?",
                                       "What car does $P drive?",
                                       "When was $P born?",
                                       "How tall is $P?",
                                       "What is the last name of $P?",
                                       "How much money does $P have?",
                                       "Where did $P go to school?",
                                       "Is $P married?",
                                       "What is $P's phone number?",
                                       "How heavy is $P?",
                                       "What did $P do yesterday?"};
    text *q = add(t, USER);
    unsigned what = below(g, 10);
    const char *core, *around = percent(g, 40) ? "*" : PICK(g, around_direct);
    t->kind = "unknown";
    if (what < 6) { /* a name that nobody has */
        entity e;
        fact f;
        memset(&e, 0, sizeof e);
        e.town = percent(g, 25);
        e.name = invent(g, !e.town ? "" : percent(g, 50) ? "ford" : "ton");
        draw_values(g, &e);
        f = fact_of(&e, below(g, e.town ? OF_TOWN : OF_PERSON));
        if (percent(g, 20))
            f.relation = e.town ? WHAT : WHO;
        ask(g, q, &f);
        blur(g, q);
        answer(g, t, "I do not know $P.");
        return;
    }
    core = what < 8 ? PICK(g, cores) : PICK(g, more);
    let(g, 'X', percent(g, 25) ? invent(g, "") : PICK(g, unknown));
    let(g, 'P', PICK(g, people));
    note_phrase(g, "unknown", core, around);
    wrap(g, q, around, core);
    note_question(g, t);
    blur(g, q);
    answer(g, t,
           what < 8 ? "I do not know that. I only know my little world." : "I do not know that about $P.");
}

/* ---- sums -------------------------------------------------------------------------------- */

/* Two numbers to add. Pairs of two digits are split by their hash whatever their order; smaller ones are always
   trained and never in a test. */
static void draw_pair(maker *g, unsigned *a, unsigned *b)
{
    unsigned kind = g->want == TRAIN ? below(g, 20) : 0, low, high;
    do {
        *a = kind < 15 ? between(g, 10, 99) : kind < 18 ? below(g, 100) : below(g, 10);
        *b = kind < 15 ? between(g, 10, 99) : below(g, 10);
        if (kind >= 15 && percent(g, 50)) {
            unsigned swap = *a;
            *a = *b;
            *b = swap;
        }
        low = *a < *b ? *a : *b;
        high = *a < *b ? *b : *a;
    } while (low >= 10 && split_of(hash_number(hash_number(6, low), high)) != g->want);
}

/* $A + $B = $C, split by the pair alone. */
static void let_sum(maker *g, unsigned *a, unsigned *b)
{
    draw_pair(g, a, b);
    let_number(g, 'A', 0, (long)*a);
    let_number(g, 'B', 1, (long)*b);
    let_number(g, 'C', 2, (long)(*a + *b));
}

/* Digit by digit, as at school: "7 + 8 = 15. 2 + 5 + 1 = 8." and the whole sum behind it. */
static void show_steps(maker *g, text *out, unsigned a, unsigned b)
{
    unsigned carry = a % 10 + b % 10 >= 10;
    let_number(g, 'a', 3, (long)(a % 10));
    let_number(g, 'b', 4, (long)(b % 10));
    let_number(g, 'c', 5, (long)(a % 10 + b % 10));
    say(g, out, "$a + $b = $c. ");
    let_number(g, 'a', 3, (long)(a / 10));
    let_number(g, 'b', 4, (long)(b / 10));
    let_number(g, 'c', 5, (long)(a / 10 + b / 10 + carry));
    say(g, out, carry ? "$a + $b + 1 = $c. " : "$a + $b = $c. ");
    say(g, out, "$A + $B = $C.");
}

static void make_sum(maker *g, talk *t)
{
    static const char *const plus[] = {"What is $A + $B?",
                                       "$A + $B",
                                       "$A + $B =",
                                       "How much is $A + $B?",
                                       "Add $A and $B.",
                                       "Compute $A + $B.",
                                       "What is $A plus $B?",
                                       "Can you add $A and $B?",
                                       "What do $A and $B make together?",
                                       "How much is $A plus $B?",
                                       "Please add $A and $B."};
    static const char *const minus[] = {"What is $C - $B?", "$C - $B",
                                        "$C - $B =",        "How much is $C - $B?",
                                        "Compute $C - $B.", "What is $C minus $B?",
                                        "Take $B from $C.", "How much is $C minus $B?"};
    static const char *const steps[] = {"Add $A and $B step by step.", "What is $A + $B? Show your work.",
                                        "Show me how to add $A and $B.", "Compute $A + $B step by step."};
    static const char *const tales[] = {"$P has $A $Y and gets $B more. How many $Y does $P have?",
                                        "$P has $A $Y. Now $Q gives $P $B $Y. How many $Y does $P have?",
                                        "$P picks $A $Y, then $B more. How many $Y does $P have?"};
    static const char *const goods[] = {"apples", "pears",  "nuts",  "eggs",
                                        "books",  "stones", "balls", "plums"};
    unsigned a, b, kind = below(g, 20);
    text *q = add(t, USER);
    let_sum(g, &a, &b);
    if (kind < 12) {
        t->kind = "addition";
        say(g, q, PICK(g, plus));
        answer(g, t, "$A + $B = $C.");
    } else if (kind < 15) {
        t->kind = "subtraction";
        say(g, q, PICK(g, minus));
        answer(g, t, "$C - $B = $A.");
    } else if (kind < 18) {
        t->kind = "steps";
        say(g, q, PICK(g, steps));
        show_steps(g, add(t, ASSISTANT), a, b);
    } else {
        t->kind = "word problems";
        let(g, 'P', PICK(g, people));
        do
            let(g, 'Q', PICK(g, people));
        while (g->var['Q'] == g->var['P']);
        let(g, 'Y', PICK(g, goods));
        say(g, q, PICK(g, tales));
        answer(g, t, "$A + $B = $C. $P has $C $Y.");
    }
    g->combo = 0; /* draw_pair has seen to it */
}

/* Several sums at once, as dense as they come: nothing takes more practice than carrying. */
static void make_sheet(maker *g, talk *t)
{
    static const char *const cores[] = {"Work these out:", "Compute all of these:", "What do these make?"};
    unsigned a[12], b[12], minus = 0, n = between(g, 3, 12), i;
    text *q = add(t, USER), *out;
    say(g, q, PICK(g, cores));
    for (i = 0; i < n; i++) {
        let_sum(g, &a[i], &b[i]);
        minus |= (unsigned)percent(g, 20) << i;
        say(g, q, (minus >> i & 1) != 0 ? "\n$C - $B" : "\n$A + $B");
    }
    out = add(t, ASSISTANT);
    for (i = 0; i < n; i++) {
        let_number(g, 'A', 0, (long)a[i]);
        let_number(g, 'B', 1, (long)b[i]);
        let_number(g, 'C', 2, (long)(a[i] + b[i]));
        if (i > 0)
            put_char(out, '\n');
        say(g, out, (minus >> i & 1) != 0 ? "$C - $B = $A." : "$A + $B = $C.");
    }
    t->kind = "sheet";
    g->combo = 0; /* draw_pair has seen to it */
}

/* The small table of products, and which of two numbers is larger: by pair and phrasing. */
static void make_number(maker *g, talk *t)
{
    static const char *const times[] = {"What is $A * $B?",         "$A * $B",
                                        "How much is $A * $B?",     "What is $A times $B?",
                                        "How much is $A times $B?", "Compute $A * $B."};
    static const char *const larger[] = {"Which is larger, $A or $B?", "Which number is larger: $A or $B?",
                                         "What is more, $A or $B?", "Is $A or $B the larger number?"};
    bool product = percent(g, 60);
    unsigned a = product ? below(g, 11) : below(g, 100), b = product ? below(g, 11) : below(g, 100);
    if (!product && a == b)
        b = (a + 7) % 100;
    let_number(g, 'A', 0, (long)a);
    let_number(g, 'B', 1, (long)b);
    let_number(g, 'C', 2, product ? (long)(a * b) : (long)(a > b ? a : b));
    t->kind = product ? "products" : "larger";
    say(g, add(t, USER), product ? PICK(g, times) : PICK(g, larger));
    note_question(g, t);
    answer(g, t, product ? "$A * $B = $C." : "$C is larger.");
}

/* ---- instructions ----------------------------------------------------------------------------- */

enum { MOST_WORDS = 9 };

/* Words of an exercise, all different; now and then an invented one. */
static unsigned draw_words(maker *g, const char *w[MOST_WORDS], unsigned low, unsigned high)
{
    unsigned n = between(g, low, high), i, j;
    for (i = 0; i < n; i++) {
        do {
            w[i] = percent(g, 5) ? invent(g, "") : PICK(g, words);
            for (j = 0; j < i && strcmp(w[j], w[i]) != 0; j++)
                ;
        } while (j < i);
    }
    return n;
}

static void put_words(text *out, const char *const *w, unsigned n, const char *between_them,
                      const char *before_last)
{
    unsigned i;
    for (i = 0; i < n; i++) {
        if (i > 0)
            put(out, i + 1 == n ? before_last : between_them);
        put(out, w[i]);
    }
}

static void put_upper(text *out, const char *s)
{
    for (; *s != 0; s++)
        put_char(out, *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s);
}

typedef enum task {
    REPEAT,
    COUNT_WORDS,
    FIRST,
    LAST,
    CAPITALS,
    NUMBERED,
    BULLETS,
    COMMAS,
    SPELL,
    SORT,
    TASKS
} task;

/* In the cores $W are the words. Reversing, replacing and leaving out are not among them: a model of this size and
   training learns nothing of those. */
static const struct {
    const char *kind;
    unsigned low, high; /* how many words */
    const char *core[4];
} tasks[TASKS] = {
    {"repeat", 1, 8, {"repeat these words: $W", "say after me: $W", "write this again: $W", "repeat: $W"}},
    {"count",
     2,
     9,
     {"count these words: $W", "tell me how many words these are: $W", "say how many words you see: $W",
      "count the words: $W"}},
    {"first",
     2,
     7,
     {"give me the first of these words: $W", "say the first word only: $W", "tell me the first word: $W",
      "write down just the first word of these: $W"}},
    {"last",
     2,
     7,
     {"give me the last of these words: $W", "say the last word only: $W", "tell me the last word: $W",
      "write down just the last word of these: $W"}},
    {"capitals",
     1,
     4,
     {"write in capitals: $W", "write these words in capital letters: $W", "put this in capitals: $W",
      "turn these words into capitals: $W"}},
    {"numbered list",
     2,
     6,
     {"make a numbered list: $W", "number these words: $W", "write a list with numbers: $W",
      "list these words with numbers: $W"}},
    {"bullets",
     2,
     6,
     {"make a list: $W", "list these words: $W", "write a list with dashes: $W", "make a list of these: $W"}},
    {"commas",
     2,
     6,
     {"put commas between these words: $W", "join these words with commas: $W", "write with commas: $W",
      "separate by commas: $W"}},
    {"spell",
     1,
     1,
     {"spell the word $W.", "spell $W.", "tell me the letters of $W.",
      "write the letters of $W one by one."}},
    {"sort",
     3,
     6,
     {"sort these numbers: $W", "put these numbers in order: $W", "order these from small to large: $W",
      "sort: $W"}},
};

static void do_task(text *out, task what, const char **w, unsigned n)
{
    unsigned i, j;
    switch (what) {
    case COUNT_WORDS:
        put(out, "There are ");
        put_number(out, (long)n);
        put(out, " words.");
        break;
    case FIRST:
    case LAST:
        put(out, w[what == FIRST ? 0 : n - 1]);
        break;
    case CAPITALS:
        for (i = 0; i < n; i++) {
            put(out, i > 0 ? " " : "");
            put_upper(out, w[i]);
        }
        break;
    case NUMBERED:
    case BULLETS:
        for (i = 0; i < n; i++) {
            if (what == NUMBERED)
                put_number(out, (long)i + 1);
            put(out, what == NUMBERED ? ". " : "- ");
            put(out, w[i]);
            put(out, i + 1 < n ? "\n" : "");
        }
        break;
    case COMMAS:
        put_words(out, w, n, ", ", ", ");
        break;
    case SPELL:
        for (i = 0; w[0][i] != 0; i++) {
            put(out, i > 0 ? "-" : "");
            put_char(out, w[0][i]);
        }
        break;
    case SORT:
        for (i = 1; i < n; i++)
            for (j = i; j > 0 && w[j][0] < w[j - 1][0]; j--) {
                const char *swap = w[j];
                w[j] = w[j - 1];
                w[j - 1] = swap;
            }
        put_words(out, w, n, " ", " ");
        break;
    default:
        put_words(out, w, n, " ", " ");
        break;
    }
}

/* Different digits to be sorted. */
static unsigned draw_digits(maker *g, const char *w[MOST_WORDS])
{
    unsigned n = between(g, 3, 6), i, j;
    for (i = 0; i < n; i++) {
        do {
            w[i] = earth.count[below(g, 10)];
            for (j = 0; j < i && w[j] != w[i]; j++)
                ;
        } while (j < i);
    }
    return n;
}

static void make_task(maker *g, talk *t)
{
    static const char *const around[] = {"^*",     "Please *",    "Now *",
                                         "Hi! ^*", "Could you *", "I want you to *"};
    task what = (task)below(g, TASKS);
    const char *w[MOST_WORDS] = {NULL}, *core = PICK(g, tasks[what].core),
               *wrapper = percent(g, 40) ? "^*" : PICK(g, around);
    unsigned n = what == SORT ? draw_digits(g, w) : draw_words(g, w, tasks[what].low, tasks[what].high);
    text *q = add(t, USER);
    clear(&g->scratch);
    put_words(&g->scratch, w, n, " ", " ");
    let(g, 'W', g->scratch.s);
    note_phrase(g, tasks[what].kind, core, wrapper);
    wrap(g, q, wrapper, core);
    if (!g->held)
        note_question(g, t);
    t->kind = tasks[what].kind;
    do_task(add(t, ASSISTANT), what, w, n);
}

/* ---- reading -------------------------------------------------------------------------------------- */

/* A random part of what there is to say of e, two to four things. */
static unsigned draw_mask(maker *g, const entity *e)
{
    unsigned all = e->town ? OF_TOWN : OF_PERSON, n = between(g, 2, 4), mask = 0;
    while (n > 0) {
        unsigned bit = 1u << below(g, all);
        n -= (mask & bit) == 0;
        mask |= bit;
    }
    return mask;
}

/* Whether a text with this mask answers a question for the i-th thing: "her goat is called Pip" says two. */
static bool tells(const entity *e, unsigned mask, unsigned i)
{
    return (mask >> i & 1) != 0 || (!e->town && i == PET && (mask >> PETNAME & 1) != 0);
}

/* Entities with different names, each with something said of it; e [n]. */
static void draw_sources(maker *g, entity *e, unsigned *mask, unsigned n)
{
    unsigned i, j;
    for (i = 0; i < n; i++) {
        do {
            e[i] = draw_entity(g, 40);
            for (j = 0; j < i && strcmp(e[j].name, e[i].name) != 0; j++)
                ;
        } while (j < i);
        mask[i] = draw_mask(g, &e[i]);
    }
}

/* Sources of one conversation. */
typedef struct sources {
    entity e[5];
    unsigned mask[5], n;
    bool headings; /* each has one: its name */
} sources;

/* A question that one of them answers, or none, and what is right. */
static void ask_sources(maker *g, talk *t, text *q, const sources *s)
{
    fact f;
    unsigned from = below(g, s->n), i, r;
    bool said = percent(g, 88);
    do {
        r = below(g, s->e[from].town ? OF_TOWN : OF_PERSON);
    } while (tells(&s->e[from], s->mask[from], r) != said);
    put(q, "Question: ");
    f = fact_of(&s->e[from], r);
    if (!said && percent(g, 50)) { /* of somebody who is not there at all */
        entity other = draw_entity(g, 40);
        for (i = 0; i < s->n && strcmp(s->e[i].name, other.name) != 0; i++)
            ;
        if (i == s->n)
            f = fact_of(&other, below(g, other.town ? OF_TOWN : OF_PERSON));
    }
    ask(g, q, &f);
    if (!g->held)
        note_question(g, t);
    t->kind = !said ? "not in the sources" : s->headings ? "reading" : "reading, no headings";
    answer(g, t, said ? answer_of(&f) : "The sources do not say.");
    if (said)
        put_mark(&t->m[t->n - 1].body, from + 1);
}

/* Sources with numbers. */
static void put_sources(maker *g, text *q, sources *s, unsigned least)
{
    unsigned i;
    s->n = between(g, least, 5);
    s->headings = percent(g, 90);
    draw_sources(g, s->e, s->mask, s->n);
    put(q, "Answer from these sources and cite them like [1].\n\n");
    for (i = 0; i < s->n; i++) {
        put_char(q, '[');
        put_number(q, (long)i + 1);
        put(q, "] ");
        describe(g, q, &s->e[i], s->mask[i], i + 1, s->headings);
        put_char(q, '\n');
    }
    put_char(q, '\n');
}

static void make_reading(maker *g, talk *t)
{
    text *q = add(t, USER);
    put_sources(g, q, g->sources, 1);
    ask_sources(g, t, q, g->sources);
}

/* All that sources say, in any order: nothing takes more practice than finding the sentence, and the number of
   the source, once a name is there. */
static void make_practice(maker *g, talk *t)
{
    sources *s = g->sources;
    text *q = add(t, USER), *a = add(t, ASSISTANT);
    unsigned said[5 * OF_PERSON], n = 0, i, k, r, at;
    put_sources(g, q, s, 2);
    put(q, "Question: What do they say?");
    for (i = 0; i < s->n; i++)
        for (r = 0; r < (unsigned)(s->e[i].town ? OF_TOWN : OF_PERSON); r++)
            if (tells(&s->e[i], s->mask[i], r))
                said[n++] = i * OF_PERSON + r;
    for (k = 0; k < n; k++) {
        fact f;
        at = k + below(g, n - k);
        i = said[at] / OF_PERSON;
        f = fact_of(&s->e[i], said[at] % OF_PERSON);
        said[at] = said[k];
        let_fact(g, &f);
        if (k > 0)
            put_char(a, '\n');
        say(g, a, answer_of(&f));
        put_mark(a, i + 1);
    }
    t->kind = "practice";
}

/* One more question about the sources that are there already. */
static void make_again(maker *g, talk *t)
{
    ask_sources(g, t, add(t, USER), g->sources);
}

/* ---- tools --------------------------------------------------------------------------------------------- */

typedef enum tool_id { READ_FILE, WRITE_FILE, LIST_DIR, SEARCH, RUN, CALCULATOR, TOOLS } tool_id;

static const struct {
    const char *name, *description, *argument[2], *about[2];
} tools[TOOLS] = {{"read_file", "read a file", {"path", NULL}, {"the file", NULL}},
                  {"write_file", "write a file", {"path", "content"}, {"the file", "its new text"}},
                  {"list_dir", "list a folder", {"path", NULL}, {"the folder", NULL}},
                  {"search_codebase", "search all files", {"query", NULL}, {"what to look for", NULL}},
                  {"run_command", "run a command", {"command", NULL}, {"the command", NULL}},
                  {"calculator", "compute", {"expression", NULL}, {"such as 12 * (3 + 4)", NULL}}};

/* A JSON string, written as Python's json writes it. */
static void put_json(text *out, const char *s)
{
    char escaped[8];
    put_byte(out, '"');
    for (; *s != 0; s++) {
        if (*s == '\n') {
            put(out, "\\n");
        } else if ((unsigned char)*s < 32) {
            snprintf(escaped, sizeof escaped, "\\u%04x", (unsigned)*s);
            put(out, escaped);
        } else {
            if (*s == '"' || *s == '\\')
                put_byte(out, '\\');
            put_byte(out, *s);
        }
    }
    put_byte(out, '"');
}

/* The tools of a mask as OpenAI's JSON array. */
static void put_tools(text *out, unsigned mask)
{
    unsigned i, j, n = 0;
    put_byte(out, '[');
    for (i = 0; i < TOOLS; i++) {
        if (!(mask >> i & 1))
            continue;
        put(out, n++ > 0 ? ", " : "");
        put(out, "{\"type\": \"function\", \"function\": {\"name\": ");
        put_json(out, tools[i].name);
        put(out, ", \"description\": ");
        put_json(out, tools[i].description);
        put(out, ", \"parameters\": {\"type\": \"object\", \"properties\": {");
        for (j = 0; j < 2 && tools[i].argument[j] != NULL; j++) {
            put(out, j > 0 ? ", " : "");
            put_json(out, tools[i].argument[j]);
            put(out, ": {\"type\": \"string\", \"description\": ");
            put_json(out, tools[i].about[j]);
            put_byte(out, '}');
        }
        put(out, "}, \"required\": [");
        for (j = 0; j < 2 && tools[i].argument[j] != NULL && !(i == LIST_DIR); j++) {
            put(out, j > 0 ? ", " : "");
            put_json(out, tools[i].argument[j]);
        }
        put(out, "]}}}");
    }
    put_byte(out, ']');
}

/* The assistant calls a tool; second may be NULL. */
static void call(talk *t, tool_id which, const char *first, const char *second)
{
    text *arguments;
    add(t, ASSISTANT);
    t->m[t->n - 1].tool = tools[which].name;
    arguments = &t->m[t->n - 1].arguments;
    put_byte(arguments, '{');
    put_json(arguments, tools[which].argument[0]);
    put(arguments, ": ");
    put_json(arguments, first);
    if (second != NULL) {
        put(arguments, ", ");
        put_json(arguments, tools[which].argument[1]);
        put(arguments, ": ");
        put_json(arguments, second);
    }
    put_byte(arguments, '}');
}

static const char *const stems[] = {
    "notes", "main",  "readme", "list",   "test",   "plan",   "data",     "index",   "todo",  "config",
    "users", "log",   "util",   "parser", "server", "client", "model",    "report",  "story", "names",
    "map",   "table", "draft",  "letter", "hello",  "README", "Makefile", "LICENSE", "menu",  "recipe"};
static const char *const folders[] = {"src",   "docs", "data", "notes",   "lib",     "tests",
                                      "tools", "web",  "old",  "include", "examples"};
static const char *const endings[] = {"txt", "md", "c", "h", "json", "cfg", "py", "log", "csv", "html"};

/* A part of a path: a stem, two of them, or an invented word. */
static void put_stem(maker *g, text *out)
{
    unsigned kind = below(g, 10);
    if (kind < 2) {
        const char *odd = invent(g, "");
        put_char(out, (char)(odd[0] - 'A' + 'a'));
        put(out, odd + 1);
        return;
    }
    put(out, PICK(g, stems));
    if (kind < 5) {
        put_char(out, kind == 2 ? '-' : '_');
        put(out, percent(g, 50) ? PICK(g, stems) : earth.count[below(g, 30)]);
    }
}

/* Now and then one that is not below this folder: the agent will refuse it, but has to be asked. */
static void put_folder(maker *g, text *out)
{
    static const char *const outside[] = {"/etc", "/home", "/tmp", "/usr/lib", "/root", "/var/log"};
    if (percent(g, 5)) {
        put(out, PICK(g, outside));
        return;
    }
    put(out, percent(g, 6) ? percent(g, 30) ? "../../" : "../" : "");
    put(out, PICK(g, folders));
    if (percent(g, 25)) {
        put_char(out, '/');
        put_stem(g, out);
    }
}

static void put_path(maker *g, text *out)
{
    if (percent(g, 45)) {
        put_folder(g, out);
        put_char(out, '/');
    } else if (percent(g, 5)) {
        put(out, percent(g, 30) ? "../../" : "../");
    }
    put_stem(g, out);
    if (!percent(g, 4)) { /* Makefile, LICENSE and their kind have no ending */
        put_char(out, '.');
        put(out, PICK(g, endings));
    }
}

/* Texts of one sample that variables point at: paths, contents. */
static text slot[6];

static const char *path_in(maker *g, unsigned i)
{
    clear(&slot[i]);
    put_path(g, &slot[i]);
    return slot[i].s;
}

/* A line or two that stand in a file: a few words, or something about somebody. */
static const char *content_in(maker *g, unsigned i, bool short_one)
{
    const char *w[MOST_WORDS];
    entity e;
    clear(&slot[i]);
    if (short_one || percent(g, 50)) {
        unsigned n = draw_words(g, w, short_one ? 1 : 3, short_one ? 6 : 9);
        put_words(&slot[i], w, n, " ", " ");
    } else {
        e = draw_entity(g, 40);
        describe(g, &slot[i], &e, draw_mask(g, &e), 0, false);
    }
    return slot[i].s;
}

/* What the user says, from a table of phrasings; the split by the phrasing or by the whole of it. */
static void request(maker *g, talk *t, const char *const *cores, unsigned n)
{
    static const char *const around[] = {"^*",     "Please *",    "Can you *?", "Now *", "I want you to *",
                                         "Hi! ^*", "Could you *?"};
    const char *core = pick(g, cores, n), *wrapper = percent(g, 35) ? "^*" : PICK(g, around);
    text *q = add(t, USER);
    if (*core == '?') { /* a question as it is */
        note_phrase(g, "request", core, "*");
        say(g, q, core + 1);
    } else {
        note_phrase(g, "request", core, wrapper[0] == '^' && wrapper[1] == '*' ? "*" : wrapper);
        wrap(g, q, wrapper, core);
        if (q->s[q->n - 1] != '?')
            put_char(q, '.');
    }
    if (!g->held)
        note_question(g, t);
}
#define REQUEST(g, t, cores) request(g, t, cores, COUNT(cores))

/* A tool's result; true if it is an error, which is then answered, too. */
static bool failed(maker *g, talk *t, const char *const *reasons, unsigned n, const char *cannot)
{
    if (!percent(g, 10))
        return false;
    let(g, 'E', pick(g, reasons, n));
    say(g, add(t, TOOL), "error: $E");
    answer(g, t, cannot);
    return true;
}

static const char *const file_errors[] = {
    "no such file",   "permission denied",     "the path leaves the folder",
    "it is a folder", "the file is too large", "the user did not allow it"};

static void use_read_file(maker *g, talk *t)
{
    static const char *const cores[] = {"read $F",
                                        "show me $F",
                                        "open $F",
                                        "read the file $F",
                                        "print the contents of $F",
                                        "tell me what is in $F",
                                        "?What is in $F?",
                                        "?What does $F say?",
                                        "?What does the file $F hold?"};
    static const char *const asking[] = {"*\nLook in $F.", "Read $F. *", "Look into $F: *",
                                         "*\nIt is in the file $F."};
    let(g, 'F', path_in(g, 0));
    if (percent(g, 45)) { /* for an answer that stands there */
        entity e = draw_entity(g, 40);
        unsigned mask = draw_mask(g, &e), r;
        const char *around = PICK(g, asking), *star = strchr(around, '*');
        text *q = add(t, USER);
        fact f;
        do
            r = below(g, e.town ? OF_TOWN : OF_PERSON);
        while (!tells(&e, mask, r));
        f = fact_of(&e, r);
        say_part(g, q, around, star);
        ask(g, q, &f);
        say(g, q, star + 1);
        if (!g->held)
            note_question(g, t);
        call(t, READ_FILE, g->var['F'], NULL);
        if (failed(g, t, file_errors, COUNT(file_errors), "I cannot read $F: $E."))
            return;
        describe(g, add(t, TOOL), &e, mask, 0, false);
        let_fact(g, &f);
        answer(g, t, answer_of(&f));
        return;
    }
    REQUEST(g, t, cores);
    call(t, READ_FILE, g->var['F'], NULL);
    if (failed(g, t, file_errors, COUNT(file_errors), "I cannot read $F: $E."))
        return;
    if (percent(g, 8)) {
        say(g, add(t, TOOL), "(empty file)");
        answer(g, t, "$F is empty.");
        return;
    }
    put(add(t, TOOL), content_in(g, 1, false));
    let(g, 'C', slot[1].s);
    answer(g, t, "$F says: $C");
}

static void use_write_file(maker *g, talk *t)
{
    static const char *const cores[] = {"write \"$C\" to $F",
                                        "save \"$C\" in $F",
                                        "create $F with the text \"$C\"",
                                        "put \"$C\" into the file $F",
                                        "make a file $F that says \"$C\"",
                                        "write the text \"$C\" into $F"};
    let(g, 'F', path_in(g, 0));
    let(g, 'C', content_in(g, 1, true));
    REQUEST(g, t, cores);
    call(t, WRITE_FILE, g->var['F'], g->var['C']);
    if (failed(g, t, file_errors, COUNT(file_errors), "I cannot write $F: $E."))
        return;
    let_number(g, 'N', 0, (long)slot[1].n);
    say(g, add(t, TOOL), "wrote $N bytes to $F");
    answer(g, t, "I wrote it to $F.");
}

/* Reads one file, writes the same into another. */
static void use_copy(maker *g, talk *t)
{
    static const char *const cores[] = {"copy $F to $G", "read $F and write it to $G",
                                        "copy the text of $F into $G"};
    let(g, 'F', path_in(g, 0));
    let(g, 'G', path_in(g, 1));
    REQUEST(g, t, cores);
    call(t, READ_FILE, g->var['F'], NULL);
    if (failed(g, t, file_errors, COUNT(file_errors), "I cannot read $F: $E."))
        return;
    put(add(t, TOOL), content_in(g, 2, true));
    call(t, WRITE_FILE, g->var['G'], slot[2].s);
    if (failed(g, t, file_errors, COUNT(file_errors), "I cannot write $G: $E."))
        return;
    let_number(g, 'N', 0, (long)slot[2].n);
    say(g, add(t, TOOL), "wrote $N bytes to $G");
    answer(g, t, "I wrote it to $G.");
}

static int by_text(const void *a, const void *b)
{
    return strcmp((const char *)a, (const char *)b);
}

/* The entries of a folder, sorted: one a line for the tool, and as a sentence for the user. */
static void put_entries(maker *g, text *lines, text *sentence)
{
    char entry[6][64];
    const char *list[6];
    unsigned n = between(g, 1, 6), i, j;
    for (i = 0; i < n; i++) {
        clear(&slot[3]);
        if (percent(g, 25)) {
            put(&slot[3], PICK(g, folders));
            put_char(&slot[3], '/');
        } else {
            put_stem(g, &slot[3]);
            put_char(&slot[3], '.');
            put(&slot[3], PICK(g, endings));
        }
        for (j = 0; j < i && strcmp(entry[j], slot[3].s) != 0; j++)
            ;
        if (j < i) {
            i--;
            continue;
        }
        snprintf(entry[i], sizeof entry[i], "%s", slot[3].s);
    }
    qsort(entry, n, sizeof entry[0], by_text);
    for (i = 0; i < n; i++)
        list[i] = entry[i];
    put_words(lines, list, n, "\n", "\n");
    put_words(sentence, list, n, ", ", " and ");
}

static void use_list_dir(maker *g, talk *t)
{
    static const char *const there[] = {"list the folder $D",        "list the files in $D",
                                        "show me the folder $D",     "show the files in $D",
                                        "?Which files are in $D?",   "?What is in the folder $D?",
                                        "?What files does $D have?", "tell me what is in the folder $D"};
    static const char *const here[] = {
        "list the files here",      "list this folder", "show the files",          "?Which files are here?",
        "?What is in this folder?", "list all files",   "?What files do you see?", "show me what is here"};
    static const char *const reasons[] = {"no such folder", "permission denied", "the path leaves the folder",
                                          "it is a file", "the user did not allow it"};
    bool anywhere = percent(g, 70);
    text *out;
    clear(&slot[0]);
    put_folder(g, &slot[0]);
    let(g, 'D', slot[0].s);
    request(g, t, anywhere ? there : here, anywhere ? COUNT(there) : COUNT(here));
    call(t, LIST_DIR, anywhere ? slot[0].s : ".", NULL);
    if (failed(g, t, reasons, COUNT(reasons),
               anywhere ? "I cannot list $D: $E." : "I cannot list this folder: $E."))
        return;
    if (percent(g, 8)) {
        say(g, add(t, TOOL), "(empty folder)");
        answer(g, t, anywhere ? "$D is empty." : "This folder is empty.");
        return;
    }
    clear(&slot[1]);
    out = add(t, TOOL);
    put_entries(g, out, &slot[1]);
    let(g, 'L', slot[1].s);
    answer(g, t, anywhere ? "$D holds $L." : "This folder holds $L.");
}

static void use_search(maker *g, talk *t)
{
    static const char *const cores[] = {
        "search for $Q",         "find $Q in the code",       "search the files for $Q",
        "look for $Q",           "?Where is $Q in the code?", "?Which file has $Q?",
        "?Where can I find $Q?", "find all places with $Q"};
    static const char *const verbs[] = {"parse", "read", "open", "write", "make",
                                        "find",  "draw", "load", "save",  "count"};
    static const char *const lines[] = {"int $Q(void)",  "    $Q();",  "static void $Q(int n)",
                                        "// $Q does it", "def $Q(x):", "    return $Q(x)",
                                        "call $Q first"};
    unsigned n, i;
    text *found;
    clear(&slot[0]);
    put(&slot[0], PICK(g, verbs));
    put_char(&slot[0], '_');
    put(&slot[0], PICK(g, words));
    if (percent(g, 20)) {
        clear(&slot[0]);
        put(&slot[0], percent(g, 50) ? PICK(g, words) : invent(g, ""));
    }
    let(g, 'Q', slot[0].s);
    REQUEST(g, t, cores);
    call(t, SEARCH, slot[0].s, NULL);
    found = add(t, TOOL);
    n = below(g, 4);
    if (n == 0) {
        say(g, found, "no matches");
        answer(g, t, "I found no $Q.");
        return;
    }
    clear(&slot[2]);
    for (i = 0; i < n; i++) {
        let(g, 'F', path_in(g, 1));
        let_number(g, 'N', 0, (long)between(g, 1, 300));
        say(g, found, i > 0 ? "\n$F:$N: " : "$F:$N: ");
        say(g, found, PICK(g, lines));
        say(g, &slot[2], i == 0 ? "" : i + 1 < n ? ", " : " and ");
        say(g, &slot[2], "$F line $N");
    }
    let(g, 'L', slot[2].s);
    answer(g, t, "$Q is in $L.");
}

static void use_run(maker *g, talk *t)
{
    static const char *const cores[] = {"run $C",
                                        "run the command $C",
                                        "execute $C",
                                        "start $C",
                                        "?What does $C print?",
                                        "?What does the command $C say?",
                                        "call $C in the shell"};
    static const char *const plain[] = {"date",  "ls",         "ls -l",      "pwd",     "whoami",
                                        "make",  "make test",  "git status", "git log", "uname -a",
                                        "df -h", "make clean", "git diff",   "ps",      "uptime"};
    static const char *const with[] = {"cat $F",       "wc -l $F", "sort $F",    "head $F",
                                       "tail -n 5 $F", "cc -c $F", "python3 $F", "rm $F",
                                       "ls -l $F",     "echo $W",  "grep $W $F"};
    static const char *const reasons[] = {"timed out after 10 s", "the user did not allow it",
                                          "no such command"};
    unsigned code;
    let(g, 'F', path_in(g, 0));
    let(g, 'W', PICK(g, words));
    clear(&slot[1]);
    say(g, &slot[1], percent(g, 30) ? PICK(g, plain) : PICK(g, with));
    let(g, 'C', slot[1].s);
    REQUEST(g, t, cores);
    call(t, RUN, slot[1].s, NULL);
    if (failed(g, t, reasons, COUNT(reasons), "I cannot run it: $E."))
        return;
    code = percent(g, 70) ? 0 : between(g, 1, 3);
    let_number(g, 'N', 0, (long)code);
    if (percent(g, 10)) {
        say(g, add(t, TOOL), "exit code $N");
        answer(g, t, code == 0 ? "It ran and said nothing." : "It failed with code $N.");
        return;
    }
    let(g, 'L', content_in(g, 2, true));
    say(g, add(t, TOOL), code == 0 ? "exit code $N\nSTDOUT:\n$L" : "exit code $N\nSTDERR:\n$L");
    answer(g, t, code == 0 ? "It says: $L" : "It failed with code $N: $L");
}

static void use_calculator(maker *g, talk *t)
{
    static const char *const cores[] = {
        "?What is $X?", "?How much is $X?",         "compute $X", "work out $X", "?$X",
        "?$X =",        "use the calculator for $X"};
    static const char *const spoken[] = {"?What is $A $O $B?", "?How much is $A $O $B?", "compute $A $O $B"};
    static const char *const name[] = {"plus", "minus", "times", "divided by"};
    static const char *const sign[] = {"+", "-", "*", "/"};
    unsigned op = below(g, 4), a = between(g, 2, percent(g, 50) ? 99 : 999),
             b = between(g, 2, percent(g, 70) ? 99 : 999);
    unsigned d = between(g, 2, 9);
    bool bracket = percent(g, 12);
    long value;
    if (op == 1 && a < b)
        a += b;
    if (op == 3)
        a *= b;
    if (b < 100 && ((op == 0 && a < 100) || (op == 1 && a - b < 100))) { /* only small sums of this split */
        draw_pair(g, &a, &b);
        a = op == 1 ? a + b : a;
    }
    value = op == 0 ? (long)(a + b) : op == 1 ? (long)(a - b) : op == 2 ? (long)(a * b) : (long)(a / b);
    let_number(g, 'A', 0, (long)a);
    let_number(g, 'B', 1, (long)b);
    let_number(g, 'D', 3, (long)d);
    let_number(g, 'V', 2, bracket ? value * (long)d : value);
    let(g, 'O', name[op]);
    let(g, 'S', sign[op]);
    clear(&slot[0]);
    say(g, &slot[0], bracket ? "($A $S $B) * $D" : "$A $S $B");
    let(g, 'X', slot[0].s);
    if (!bracket && percent(g, 25))
        REQUEST(g, t, spoken);
    else
        REQUEST(g, t, cores);
    call(t, CALCULATOR, slot[0].s, NULL);
    say(g, add(t, TOOL), "$V");
    answer(g, t, "$X = $V.");
}

/* Something that a tool is needed for; without that tool, that there is none. */
static void make_tool(maker *g, talk *t)
{
    static const struct {
        void (*use)(maker *, talk *);
        unsigned needs;
    } uses[] = {{use_read_file, 1u << READ_FILE},
                {use_write_file, 1u << WRITE_FILE},
                {use_list_dir, 1u << LIST_DIR},
                {use_search, 1u << SEARCH},
                {use_run, 1u << RUN},
                {use_copy, 1u << READ_FILE | 1u << WRITE_FILE},
                {use_calculator, 1u << CALCULATOR}};
    unsigned before = t->n, which;
    bool there;
    do { /* sums are also done without: "no tool" is no answer there */
        which = below(g, COUNT(uses));
        there = (t->tools & uses[which].needs) == uses[which].needs;
    } while ((!there && uses[which].needs == 1u << CALCULATOR) ||
             (!there && t->tools != 0 && percent(g, 70)));
    t->kind = "call";
    uses[which].use(g, t);
    if (!there) {
        t->n = before + 1;
        t->kind = "no tool";
        answer(g, t, "I have no tool for that.");
    }
}

/* ---- greetings and what was said before ---------------------------------------------------------------- */

static const struct {
    const char *say[6], *answer;
} greetings[] = {
    {{"Hello", "Hi", "Hi there", "Hey", "Hello Tiny", "Good day"}, "Hello! How can I help?"},
    {{"Good morning", "Good morning, Tiny", "Morning", "A good morning to you", "Good morning to you",
      "Hi, good morning"},
     "Good morning! How can I help?"},
    {{"How are you", "How are you today", "How do you do", "Are you well", "How is it going",
      "Hi, how are you"},
     "I am well, thank you."},
    {{"Who are you", "What are you", "What is your name", "Tell me who you are", "Are you a person",
      "Introduce yourself"},
     "I am Tiny, a very small language model."},
    {{"What can you do", "How can you help me", "What do you know", "What can I ask you",
      "What are you good at", "Tell me what you can do"},
     "I know a little world of 48 people in 12 towns. I can add, read, use tools and play with words."},
    {{"Thanks", "Thank you", "Thank you very much", "Thanks a lot", "Many thanks", "Great, thank you"},
     "You are welcome."},
    {{"Goodbye", "Bye", "Bye bye", "See you later", "Good night", "I have to go"},
     "Goodbye! Come back soon."},
    {{"Who made you", "Where do you come from", "How were you made", "Who trained you",
      "What were you trained on", "How did you learn"},
     "I was trained by llmc.h on a little world of its own."}};

static void make_greeting(maker *g, talk *t)
{
    static const char *const marks[] = {"", ".", "!", "?"};
    unsigned i = below(g, COUNT(greetings));
    text *q = add(t, USER);
    put(q, PICK(g, greetings[i].say));
    put(q, PICK(g, marks));
    note_question(g, t);
    blur(g, q);
    t->kind = "greetings";
    answer(g, t, greetings[i].answer);
}

/* A fact, then another of the same person or town in pronouns, or the same of somebody else. */
static void follow_fact(maker *g, talk *t)
{
    static const char *const other[] = {"And $P?", "What about $P?", "And what about $P?",
                                        "The same for $P?"};
    static const char *const then[] = {"*", "And: *", "Thanks. *", "Good. *", "One more: *"};
    const entity *e = percent(g, 75) ? &earth.person[below(g, PEOPLE)] : &earth.town[below(g, TOWNS)];
    unsigned n = e->town ? OF_TOWN : OF_PERSON, first = below(g, n), second;
    fact f = fact_of(e, first);
    const char *core;
    text *q;
    ask(g, add(t, USER), &f);
    answer(g, t, answer_of(&f));
    settle(g);
    q = add(t, USER);
    if (percent(g, 50)) {
        do
            second = below(g, n);
        while (second == first);
        f = fact_of(e, second);
        let_fact(g, &f);
        let_pronouns(g, e);
        g->combo = hash_number(hash_text(8, e->name), first);
        core = PICK(g, relations[f.relation].after);
        wrap(g, q, PICK(g, then), core);
    } else {
        const entity *to;
        do
            to = e->town ? &earth.town[below(g, TOWNS)] : &earth.person[below(g, PEOPLE)];
        while (to == e);
        f = fact_of(to, first);
        let_fact(g, &f);
        g->combo = hash_text(hash_number(hash_text(9, to->name), first), e->name);
        core = PICK(g, other);
        say(g, q, core);
    }
    g->combo = hash_text(g->combo, core);
    answer(g, t, answer_of(&f));
}

/* A sum, then something to add to it. */
static void follow_sum(maker *g, talk *t)
{
    static const char *const more[] = {"Add $B.", "And $B more?", "Add $B to that.", "Plus $B?",
                                       "Now add $B."};
    unsigned a, b, c;
    split part;
    let_sum(g, &a, &b);
    say(g, add(t, USER), percent(g, 50) ? "What is $A + $B?" : "$A + $B");
    answer(g, t, "$A + $B = $C.");
    do { /* the second pair belongs to the split, too */
        c = below(g, 100);
        part = a + b < 10 || c < 10 || a + b > 99
                   ? TRAIN
                   : split_of(hash_number(hash_number(6, a + b < c ? a + b : c), a + b < c ? c : a + b));
    } while (part == TRAIN ? g->want != TRAIN && percent(g, 90) : part != g->want);
    let_number(g, 'A', 0, (long)(a + b));
    let_number(g, 'B', 1, (long)c);
    let_number(g, 'C', 2, (long)(a + b + c));
    say(g, add(t, USER), PICK(g, more));
    answer(g, t, "$A + $B = $C.");
}

/* What the user says of himself, asked again later. */
static void follow_user(maker *g, talk *t)
{
    static const struct {
        const char *told[3], *reply, *asked[3], *answer;
    } memory[] = {
        {{"My name is $X.", "I am $X.", "Hello, I am called $X."},
         "Hello $X! How can I help?",
         {"What is my name?", "Who am I?", "Do you know my name?"},
         "Your name is $X."},
        {{"My favourite colour is $C.", "I like the colour $C best.", "The colour I love most is $C."},
         "I will remember that.",
         {"What is my favourite colour?", "Which colour do I like best?", "Which colour do I love most?"},
         "Your favourite colour is $C."},
        {{"I live in $T.", "My home is in $T.", "I come from $T."},
         "I will remember that.",
         {"Where do I live?", "Where is my home?", "In which town do I live?"},
         "You live in $T."},
        {{"I have a~ $K called $N.", "My $K is called $N.", "The name of my $K is $N."},
         "I will remember that.",
         {"What is my pet called?", "What is the name of my pet?", "What is my $K called?"},
         "Your $K is called $N."},
        {{"Remember the number $B.", "My number is $B.", "Please remember $B."},
         "I will remember that.",
         {"What is my number?", "Which number did I tell you?", "What number was it?"},
         "It is $B."}};
    unsigned i = below(g, COUNT(memory)), told = below(g, 3), asked = below(g, 3);
    uint64_t combo;
    let(g, 'X', invent(g, ""));
    if (percent(g, 50))
        let(g, 'X', PICK(g, people));
    let(g, 'C', PICK(g, colours));
    let(g, 'T', pick_or_invent(g, towns, TOWNS, 40, "by"));
    let(g, 'K', PICK(g, pets));
    let(g, 'N', pick_or_invent(g, pet_names, COUNT(pet_names), 40, ""));
    let_number(g, 'B', 7, (long)between(g, 10, 999));
    say(g, add(t, USER), memory[i].told[told]);
    answer(g, t, memory[i].reply);
    combo = hash_number(hash_text(10, t->m[t->n - 2].body.s), asked);
    if (percent(g, 50)) { /* something else in between, with variables of its own */
        const char *keep[] = {g->var['K'], g->var['N']};
        make_fact(g, t);
        settle(g);
        let(g, 'K', keep[0]);
        let(g, 'N', keep[1]);
    }
    say(g, add(t, USER), memory[i].asked[asked]);
    answer(g, t, memory[i].answer);
    g->combo = combo;
}

/* Asked without having been told. */
static void follow_nothing(maker *g, talk *t)
{
    static const char *const asked[] = {"What is my name?",
                                        "Who am I?",
                                        "Where do I live?",
                                        "What is my pet called?",
                                        "What is my favourite colour?",
                                        "Which number did I tell you?"};
    say(g, add(t, USER), PICK(g, asked));
    answer(g, t, "You did not tell me.");
    g->combo = 0;
}

/* What it said is said once more. */
static void follow_again(maker *g, talk *t)
{
    static const char *const again[] = {"Say that again.", "Please repeat that.", "What did you say?",
                                        "Can you say that again?", "Once more, please."};
    const char *core = PICK(g, again);
    char *said;
    uint64_t combo;
    make_fact(g, t);
    settle(g);
    combo = hash_text(hash_text(11, last(t)), core);
    say(g, add(t, USER), core);
    said = t->m[t->n - 2].body.s;
    put(add(t, ASSISTANT), said);
    g->combo = combo;
}

static void make_followup(maker *g, talk *t)
{
    unsigned what = below(g, 20);
    if (what < 9)
        follow_fact(g, t);
    else if (what < 12 && !(t->tools >> CALCULATOR & 1))
        follow_sum(g, t);
    else if (what < 17 || (what == 19 && t->n > 0))
        follow_user(g, t);
    else if (what < 19)
        follow_again(g, t);
    else
        follow_nothing(g, t);
    t->kind = "follow-up";
}

/* ---- stories ------------------------------------------------------------------------------------------- */

static const char *const stories[] = {
    "[One|On a~ $w] [morning|day|evening] $P the $J [went|walked] [to the $L|out of $T|through $T]. [^$h $K "
    "$N came along|^$P took "
    "$h $K $N along]. [The sun was [warm|bright]|It was [cold|warm|wet]|A soft wind blew]. [Near the $l|On "
    "the way|Behind the $l] "
    "$s found a~ $a $O. \"[Whose is this|Who lost this]?\" $s [asked|said]. $F [came by|was there, too], and "
    "$F said: \"[It is "
    "mine|That is my $O]. I [lost|left] it [here|yesterday].\" $P gave it back, and $F [was "
    "happy|smiled|said thank you]. [Then "
    "they ate $f [together|in the $L]|$P and $F went home as friends|That evening they ate $f and laughed].",
    "$P lives in $T. [Every day|On $d|Each week] $s [plays the $i|sings and plays the $i]. [One "
    "day|Once|Last $d] the $i was "
    "[gone|broken]. $P was sad. $N the $K [looked at $o|sat next to $o|wanted to help]. \"[Come|Look], $N,\" "
    "said $P, \"let us ask "
    "$F.\" $F [lives near the $l|has a house by the $l]. $F [had a~ $a $O|had an idea]. [Together they|The "
    "two of them] [made it "
    "whole again|found it behind the $l]. Now $P plays again, and $F [listens|sings|dances].",
    "$N is a~ $K. $N belongs to $P, [who is a~ $J|the $J] [in $T|from $T]. [One night|One day|On $d] $N [ran "
    "away|was gone|did not "
    "come home]. $P looked [in the $L|by the $l] and [in the $M|behind the house]. [Nothing|No $K was "
    "there]. Then $F called: \"[Come "
    "here|Look here], $P!\" There was $N, [asleep on a~ $a $O|playing with a~ $a $O]. [^$P laughed|^$P was "
    "happy|^$P took $N home]. "
    "[And $N got some $f|After that $N stayed at home|They all had $f].",
    "[It was $d|One $d] and $P [wanted to cook|made] $f, $h favourite food. But there was no "
    "[salt|water|milk|sugar] [in the house|"
    "left]. So $s went to the $L. There $s met $F. \"[Do you have|Can you give me] some?\" asked $P. "
    "\"Yes,\" said $F, \"if you [play "
    "the $i for me|show me your $K|give me some $f].\" [^$s did|And so it was]. [Later|That evening] the "
    "[house|kitchen] was full of "
    "[friends|songs], and [all of them ate $f|even $N the $K got some].",
    "$F [wrote|sent] a letter to $P. \"Dear $P, [please come to the $L|meet me by the $l] on $d. [Bring|Do "
    "not forget] your $i. Your "
    "friend $F.\" $P [was happy|smiled] and [put on something $c|took the $c bag], because $c is $h "
    "favourite colour. On $d $s [went|"
    "walked] there with $N, $h $K. [It was a~ $w day|The day was $w]. $F had a~ $a $O for $o. [They "
    "played|They sang] until [night|"
    "evening].",
    "In $T, [by the $R|near the $R], there is a~ $a $O [in the $L|by the $l]. [Nobody knows|No one knows] "
    "whose it is. $P the $J "
    "[asked|went to ask] the mayor. \"It is not mine,\" said the mayor. $P asked $F. \"It is not mine,\" "
    "said $F. Then $N the $K [sat "
    "down on it|took it home]. \"So it is [yours|for you], $N,\" said $P [and laughed|with a smile]."};

/* A person with a town, a friend and a few things, as the world has them. */
static void let_story(maker *g, const entity *e)
{
    static const char *const places[] = {"market", "mill",    "school", "harbour",
                                         "garden", "kitchen", "tower",  "square"};
    static const char *const spots[] = {"bridge", "lake", "old tree", "well",
                                        "gate",   "hill", "wall",     "church"};
    static const char *const things[] = {"ring", "key",    "hat",  "ball",  "lamp",
                                         "book", "basket", "coin", "chair", "box"};
    static const char *const kinds[] = {"small",   "red",    "old",    "big",  "shiny",
                                        "strange", "golden", "wooden", "empty"};
    static const char *const weathers[] = {"warm", "cold", "rainy", "sunny", "windy", "quiet"};
    let(g, 'P', e->name);
    let_pronouns(g, e);
    let(g, 'T', e->value[HOME]);
    let(g, 'J', e->value[JOB]);
    let(g, 'K', e->value[PET]);
    let(g, 'N', e->value[PETNAME]);
    let(g, 'c', e->value[COLOUR]);
    let(g, 'f', e->value[FOOD]);
    let(g, 'F', e->value[FRIEND]);
    let(g, 'i', e->value[PLAYS]);
    let(g, 'R', waters[fate(e->value[HOME], LIES, COUNT(waters))]);
    let(g, 'L', PICK(g, places));
    let(g, 'M', PICK(g, places));
    let(g, 'l', PICK(g, spots));
    let(g, 'O', PICK(g, things));
    let(g, 'a', PICK(g, kinds));
    let(g, 'w', PICK(g, weathers));
    let(g, 'd', PICK(g, days));
}

static void make_story(maker *g, talk *t)
{
    static const char *const about[] = {"Tell me a story about $P.", "Please tell a story about $P.",
                                        "A story about $P, please!", "Do you know a story about $P?",
                                        "Write a story about $P."};
    static const char *const any[] = {"Tell me a story.", "Do you know a story?", "A story, please!",
                                      "Write a short story."};
    const entity *e = &earth.person[below(g, PEOPLE)];
    let_story(g, e);
    say(g, add(t, USER), percent(g, 75) ? PICK(g, about) : PICK(g, any));
    answer(g, t, PICK(g, stories));
    t->kind = "story";
    g->combo = 0;
}

/* ---- whole conversations ------------------------------------------------------------------------------- */

/* What conversations are made of: those without tools and those with them, those for study with more of what takes
   longest to learn, and drill for what is to be certain. */
typedef enum mix { CHAT, TOOLED, STUDY, DRILL, MIXES } mix_of_kinds;

static const struct {
    const char *name;
    void (*make)(maker *, talk *);
    unsigned share[MIXES]; /* how often */
    bool examined;
} kinds[] = {
    {"facts", make_fact, {26, 8, 14, 12}, true},        {"checks", make_check, {5, 1, 6, 3}, true},
    {"followups", make_followup, {12, 6, 8, 14}, true}, {"sums", make_sum, {24, 0, 20, 8}, true},
    {"numbers", make_number, {4, 0, 4, 3}, true},       {"instructions", make_task, {14, 6, 14, 10}, true},
    {"reading", make_reading, {18, 4, 26, 36}, true},   {"practice", make_practice, {0, 0, 24, 16}, false},
    {"unknown", make_unknown, {8, 3, 6, 4}, true},      {"greetings", make_greeting, {4, 2, 3, 3}, true},
    {"story", make_story, {3, 1, 1, 1}, false},         {"tools", make_tool, {2, 70, 1, 2}, true},
    {"sheets", make_sheet, {0, 0, 0, 4}, false}};

/* One exchange of the split that is wanted. */
static void exchange(maker *g, talk *t, void (*make)(maker *, talk *), split want)
{
    unsigned before = t->n;
    g->want = want;
    do {
        t->n = before;
        g->held = g->spoiled = false;
        g->combo = 0;
        make(g, t);
    } while (g->spoiled || verdict(g) != want);
}

static unsigned draw_tools(maker *g)
{
    unsigned all = (1u << TOOLS) - 1;
    return percent(g, 60) ? all : (1u << below(g, TOOLS)) | below(g, all + 1);
}

static void open_talk(maker *g, talk *t, bool tooled)
{
    static const char *const systems[] = {"You are Tiny.", "You are a helpful assistant.",
                                          "You are Tiny, a small helper.", "Be helpful and brief."};
    t->n = 0;
    t->tools = tooled ? draw_tools(g) : 0;
    g->n_names = 0;
    if (percent(g, 15))
        put(add(t, SYSTEM), PICK(g, systems));
}

static unsigned draw_kind(maker *g, mix_of_kinds mix)
{
    unsigned sum = 0, i, at;
    for (i = 0; i < COUNT(kinds); i++)
        sum += kinds[i].share[mix];
    at = below(g, sum);
    for (i = 0; at >= kinds[i].share[mix]; i++)
        at -= kinds[i].share[mix];
    return i;
}

/* One to four exchanges of any kinds, and mostly some more questions about sources that were given. */
static void make_talk(maker *g, talk *t, split want, mix_of_kinds mix)
{
    bool tooled = percent(g, mix == DRILL ? 34 : 22); /* calls are to be certain, too */
    unsigned dice = below(g, 20), turns = dice < 9 ? 1 : dice < 14 ? 2 : dice < 18 ? 3 : 4, i, kind, more;
    open_talk(g, t, tooled);
    for (i = 0; i < turns; i++) {
        do /* sources are long: one set of them in a conversation */
            kind = draw_kind(g, tooled ? TOOLED : mix);
        while (i > 0 && (kinds[kind].make == make_reading || kinds[kind].make == make_practice));
        exchange(g, t, kinds[kind].make, want);
        more = kinds[kind].make != make_reading ? 0 : below(g, mix == CHAT ? 4 : 8) + (mix == DRILL ? 2 : 0);
        for (; more > 0; more--)
            exchange(g, t, make_again, want);
    }
}

/* ---- as JSON and as text --------------------------------------------------------------------------------- */

static void put_call(text *out, const message *m, unsigned id)
{
    put(out, "\"content\": null, \"tool_calls\": [{\"id\": \"call_");
    put_number(out, (long)id);
    put(out, "\", \"type\": \"function\", \"function\": {\"name\": ");
    put_json(out, m->tool);
    put(out, ", \"arguments\": ");
    put_json(out, m->arguments.s);
    put(out, "}}]}");
}

/* The first n messages as OpenAI's array, and the tools behind it. */
static void put_messages(text *out, const talk *t, unsigned n)
{
    unsigned i, calls = 0;
    put(out, "\"messages\": [");
    for (i = 0; i < n; i++) {
        const message *m = &t->m[i];
        put(out, i > 0 ? ", {\"role\": " : "{\"role\": ");
        put_json(out, role_name[m->role]);
        put(out, ", ");
        if (m->tool != NULL) {
            put_call(out, m, ++calls);
            continue;
        }
        if (m->role == TOOL) {
            put(out, "\"tool_call_id\": \"call_");
            put_number(out, (long)calls);
            put(out, "\", ");
        }
        put(out, "\"content\": ");
        put_json(out, m->body.s);
        put_byte(out, '}');
    }
    put_byte(out, ']');
    if (t->tools != 0) {
        put(out, ", \"tools\": ");
        put_tools(out, t->tools);
    }
}

static void write_text(FILE *file, text *out)
{
    if (fwrite(out->s, 1, out->n, file) != out->n)
        die(1, "cannot write");
    clear(out);
}

static void write_talk(FILE *file, text *out, const talk *t)
{
    clear(out);
    put_byte(out, '{');
    put_messages(out, t, t->n);
    put(out, "}\n");
    write_text(file, out);
}

/* What is asked at message i of the assistant, and what it has to say. */
static void write_item(FILE *file, text *out, const talk *t, unsigned i)
{
    const message *m = &t->m[i];
    clear(out);
    put(out, "{\"kind\": ");
    put_json(out, m->tool == NULL && t->m[i - 1].role == TOOL ? "result" : t->kind);
    put(out, ", ");
    put_messages(out, t, i);
    if (m->tool != NULL) {
        put(out, ", \"call\": {\"name\": ");
        put_json(out, m->tool);
        put(out, ", \"arguments\": ");
        put(out, m->arguments.s);
        put_byte(out, '}');
    } else {
        put(out, ", \"answer\": ");
        put_json(out, m->body.s);
    }
    put(out, "}\n");
    write_text(file, out);
}

/* Items of one kind: now and then something else has been said before. */
static void write_items(FILE *file, maker *g, text *out, unsigned kind, split part, unsigned long count)
{
    static talk t;
    unsigned long n = 0;
    while (n < count) {
        bool tooled = kinds[kind].make == make_tool && !percent(g, 4);
        unsigned before, i;
        open_talk(g, &t, tooled);
        if (percent(g, 25) && kinds[kind].make != make_reading)
            exchange(g, &t, percent(g, 80) ? make_fact : make_greeting, TRAIN);
        before = t.n;
        exchange(g, &t, kinds[kind].make, part);
        for (i = kinds[kind].make == make_tool ? before : t.n - 1; i < t.n && n < count; i++)
            if (t.m[i].role == ASSISTANT) {
                write_item(file, out, &t, i);
                n++;
            }
    }
}

/* A conversation as a transcript. */
static void put_transcript(text *out, const talk *t)
{
    unsigned i;
    for (i = 0; i < t->n; i++) {
        const message *m = &t->m[i];
        if (m->role == TOOL) {
            put(out, "<tool_result>\n");
            put(out, m->body.s);
            put(out, "\n</tool_result>\n");
        } else if (m->tool != NULL) {
            put(out, "Tiny: <tool_call>{\"name\": ");
            put_json(out, m->tool);
            put(out, ", \"arguments\": ");
            put(out, m->arguments.s);
            put(out, "}</tool_call>\n");
        } else if (m->role != SYSTEM) {
            put(out, m->role == USER ? "User: " : "Tiny: ");
            put(out, m->body.s);
            put_char(out, '\n');
        }
    }
}

/* What the world has to say of one of its people or towns, or of things that everybody knows. */
static void put_article(maker *g, text *out)
{
    unsigned kind = below(g, 20), i, mask = 0;
    if (kind < 16) {
        const entity *e = kind < 12 ? &earth.person[below(g, PEOPLE)] : &earth.town[below(g, TOWNS)];
        unsigned all = e->town ? OF_TOWN : OF_PERSON, n = between(g, 3, all);
        for (i = 0; i < n; i++)
            mask |= 1u << below(g, all);
        describe(g, out, e, mask, 0, false);
    } else {
        unsigned n = between(g, 3, 8);
        for (i = 0; i < n; i++) {
            const fact *f;
            do
                f = draw_fact(g);
            while (f->relation < WHO);
            let_fact(g, f);
            put(out, i > 0 ? " " : "");
            say(g, out, PICK(g, relations[f->relation].says));
        }
    }
    put_char(out, '\n');
}

/* A sheet of sums, as dense as they come: nothing takes more practice than carrying. */
static void put_sheet(maker *g, text *out)
{
    unsigned n = between(g, 8, 20), i, a, b, kind;
    for (i = 0; i < n; i++) {
        let_sum(g, &a, &b);
        kind = below(g, 20);
        if (kind < 3)
            show_steps(g, out, a, b);
        else
            say(g, out, kind < 6 ? "$C - $B = $A." : "$A + $B = $C.");
        put_char(out, '\n');
    }
}

/* The same again, after a space, in quotes, at a line's beginning: what copying into calls and answers takes. */
static void put_copies(maker *g, text *out)
{
    static const char *const forms[] = {"$X \"$X\"\n$X\n", "\"$X\" is $X.\n", "$X and $X\n",
                                        "Say $X: \"$X\"\n$X says: $X\n"};
    unsigned n = between(g, 4, 9), i, kind;
    for (i = 0; i < n; i++) {
        kind = below(g, 10);
        let(g, 'X',
            kind < 4   ? path_in(g, 0)
            : kind < 7 ? invent(g, percent(g, 70) ? "" : "ford")
                       : content_in(g, 1, true));
        say(g, out, PICK(g, forms));
    }
}

/* The tools as the chat template lists them. */
static void put_listing(text *out)
{
    unsigned i;
    put(out, "Tools:\n");
    for (i = 0; i < TOOLS; i++) {
        put(out, tools[i].name);
        put_char(out, '(');
        put_words(out, tools[i].argument, tools[i].argument[1] != NULL ? 2 : 1, ", ", ", ");
        put(out, "): ");
        put(out, tools[i].description);
        put_char(out, '\n');
    }
    put(out, "To call one: <tool_call>{\"name\": \"...\", \"arguments\": {...}}</tool_call>\n");
}

static void write_documents(FILE *file, maker *g, text *out, split part, unsigned long count,
                            const char *separator)
{
    static talk t;
    unsigned long n;
    for (n = 0; n < count; n++) {
        unsigned kind = below(g, 100);
        g->want = part;
        g->n_names = 0;
        clear(out);
        if (kind < 28) {
            put_article(g, out);
        } else if (kind < 42) {
            let_story(g, &earth.person[below(g, PEOPLE)]);
            say(g, out, PICK(g, stories));
            put_char(out, '\n');
        } else if (kind < 55) {
            put_sheet(g, out);
        } else if (kind < 62) {
            put_copies(g, out);
        } else if (kind < 76) {
            t.n = 0;
            t.tools = 0;
            make_practice(g, &t);
            put_transcript(out, &t);
        } else {
            make_talk(g, &t, part, CHAT);
            if (g->known && t.tools != 0)
                put_listing(out);
            put_transcript(out, &t);
        }
        put(out, separator);
        write_text(file, out);
    }
}

/* ---- articles for retrieval ---------------------------------------------------------------------------------- */

/* People and towns with names of this split, each in a text of its own; or questions that these answer. */
static void write_articles(FILE *file, maker *g, text *out, split part, unsigned long count, bool questions)
{
    char(*name)[24] = (char(*)[24])calloc(count + 1, sizeof *name);
    unsigned long n, i;
    if (name == NULL)
        die(1, "out of memory");
    g->want = part;
    for (n = 0; n < count; n++) {
        maker one = *g;
        entity e;
        unsigned mask, r;
        fact f;
        one.state = mix(g->state + n);
        do {
            one.n_names = 0;
            e = draw_entity(&one, 0);
            for (i = 0; i < n && strcmp(name[i], e.name) != 0; i++)
                ;
        } while (i < n);
        strcpy(name[n], e.name);
        mask = draw_mask(&one, &e) | draw_mask(&one, &e);
        clear(out);
        if (!questions) {
            put(out, "# ");
            put(out, e.name);
            put_char(out, '\n');
            describe(&one, out, &e, mask, 0, false);
            put(out, "\n\n");
            write_text(file, out);
            continue;
        }
        do
            r = below(&one, e.town ? OF_TOWN : OF_PERSON);
        while (!tells(&e, mask, r));
        f = fact_of(&e, r);
        clear(&one.scratch);
        ask(&one, &one.scratch, &f);
        put(out, "{\"question\": ");
        put_json(out, one.scratch.s);
        clear(&one.scratch);
        say(&one, &one.scratch, answer_of(&f));
        put(out, ", \"answer\": ");
        put_json(out, one.scratch.s);
        put(out, ", \"article\": ");
        put_number(out, (long)n);
        put(out, "}\n");
        g->scratch = one.scratch; /* it may have grown */
        write_text(file, out);
    }
    free(name);
}

/* ---- lists ------------------------------------------------------------------------------------------------------ */

static void list_facts(maker *g, text *out)
{
    unsigned i;
    clear(out);
    for (i = 0; i < earth.n_facts; i++) {
        const fact *f = &earth.fact[i];
        put(out, relations[f->relation].name);
        put_byte(out, '\t');
        put(out, f->subject);
        put_byte(out, '\t');
        let_fact(g, f);
        say(g, out, answer_of(f));
        put_byte(out, '\n');
    }
    write_text(stdout, out);
}

static void list_lexicon(maker *g)
{
    unsigned i, j, k, n = 0, held = 0;
    for (i = 0; i < RELATIONS; i++)
        for (j = 0; j < 9; j++) {
            const char *core = j < 6 ? relations[i].direct[j] : relations[i].named[j - 6];
            for (k = 0; k < 7; k++, n++) {
                g->held = false;
                note_phrase(g, relations[i].name, core, j < 6 ? around_direct[k] : around_named[k]);
                held += g->held;
            }
        }
    printf("people\t%u\ntowns\t%u\njobs\t%u\npets\t%u\nwords\t%u\n", PEOPLE, TOWNS, COUNT(jobs), COUNT(pets),
           COUNT(words));
    printf("relations\t%u\nfacts\t%u\nphrasings\t%u\nheld out\t%u\ntools\t%u\n", RELATIONS, earth.n_facts, n,
           held, TOOLS);
}

/* ---- the command line --------------------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: world [--split train|valid|test] [--kind KIND] [--count N] [--seed S] [-o FILE]\n"
    "       world --list facts|lexicon|tools|kinds\n\n"
    "  --kind pretrain   documents (default), the --separator behind each\n"
    "         words      the same for a tokenizer: no invented names, which then are spelt out and so "
    "easier\n"
    "                    to copy; with the chat template's list of tools\n"
    "         chat       conversations, a JSON object a line: messages, tools\n"
    "         study      the same with more of what takes longest to learn: reading, instructions\n"
    "         drill      the same with what is to be certain: sums, reading, calls\n"
    "         eval       N items of every kind below: kind, messages, tools, answer or call\n"
    "         facts, ... items of one kind; --list kinds names them\n"
    "         articles   texts on people and towns that nobody knows, with empty lines between\n"
    "         questions  what these articles answer: question, answer, number of the article\n"
    "  --split S         which part; no seed mixes them (default train)\n"
    "  --count N         how many (default 1000)\n"
    "  --seed S          the same seed gives the same bytes (default 1)\n"
    "  --separator TEXT  default <|endoftext|> and a new line; \\n in it is a new line\n"
    "  -o FILE           instead of standard output\n"
    "  -h                this text\n";

typedef struct settings {
    const char *kind, *split, *count, *seed, *list, *separator, *out;
} settings;

static void parse(settings *s, int argc, char **argv)
{
    const struct {
        const char *name;
        const char **value;
    } row[] = {{"--kind", &s->kind},           {"--split", &s->split}, {"--count", &s->count},
               {"--seed", &s->seed},           {"--list", &s->list},   {"-o", &s->out},
               {"--separator", &s->separator}, {"--out", &s->out}};
    int i;
    unsigned r;
    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        for (r = 0; r < COUNT(row) && strcmp(row[r].name, argv[i]) != 0; r++)
            ;
        if (r == COUNT(row))
            die(2, "unknown option '%s' (-h shows all)", argv[i]);
        if (i + 1 == argc)
            die(2, "%s needs a value (-h shows all)", argv[i]);
        *row[r].value = argv[++i];
    }
}

static unsigned long long number(const char *option, const char *value, unsigned long long most)
{
    char *end;
    unsigned long long v = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end != 0 || v > most)
        die(2, "%s: '%s' is not a whole number up to %llu", option, value, most);
    return v;
}

/* \n in it becomes a new line. */
static const char *unescape(const char *s)
{
    static text out;
    clear(&out);
    for (; *s != 0; s++) {
        bool line = s[0] == '\\' && s[1] == 'n';
        put_byte(&out, line ? '\n' : *s);
        s += line;
    }
    return out.s;
}

static void list(maker *g, text *out, const char *what)
{
    unsigned i;
    if (strcmp(what, "facts") == 0) {
        list_facts(g, out);
    } else if (strcmp(what, "lexicon") == 0) {
        list_lexicon(g);
    } else if (strcmp(what, "tools") == 0) {
        clear(out);
        put_tools(out, (1u << TOOLS) - 1);
        put_byte(out, '\n');
        write_text(stdout, out);
    } else if (strcmp(what, "kinds") == 0) {
        for (i = 0; i < COUNT(kinds); i++)
            printf("%s\n", kinds[i].name);
    } else {
        die(2, "--list: '%s' is none of facts, lexicon, tools, kinds", what);
    }
}

/* Writes everything; false: there is no such kind. */
static bool write_kind(FILE *file, maker *g, const settings *s, split part, unsigned long count)
{
    static talk t;
    text out;
    unsigned long n;
    unsigned i;
    bool found = true, all = strcmp(s->kind, "eval") == 0;
    memset(&out, 0, sizeof out);
    g->known = strcmp(s->kind, "words") == 0;
    if (g->known || strcmp(s->kind, "pretrain") == 0) {
        write_documents(file, g, &out, part, count, unescape(s->separator));
    } else if (strcmp(s->kind, "chat") == 0 || strcmp(s->kind, "study") == 0 ||
               strcmp(s->kind, "drill") == 0) {
        for (n = 0; n < count; n++) {
            make_talk(g, &t, part, s->kind[0] == 'c' ? CHAT : s->kind[0] == 's' ? STUDY : DRILL);
            write_talk(file, &out, &t);
        }
    } else if (strcmp(s->kind, "articles") == 0 || strcmp(s->kind, "questions") == 0) {
        write_articles(file, g, &out, part, count, s->kind[0] == 'q');
    } else {
        found = false;
        for (i = 0; i < COUNT(kinds); i++)
            if (all ? kinds[i].examined : strcmp(kinds[i].name, s->kind) == 0) {
                write_items(file, g, &out, i, part, count);
                found = true;
            }
    }
    free(out.s);
    return found;
}

static bool is_kind(const char *name)
{
    static const char *const other[] = {"pretrain", "words", "chat",     "study",
                                        "drill",    "eval",  "articles", "questions"};
    unsigned i;
    for (i = 0; i < COUNT(other); i++)
        if (strcmp(other[i], name) == 0)
            return true;
    for (i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return true;
    return false;
}

int main(int argc, char **argv)
{
    static maker g;
    static sources given;
    settings s = {"pretrain", "train", "1000", "1", NULL, "<|endoftext|>\n", NULL};
    unsigned long count;
    unsigned part = 0;
    text out;
    FILE *file = stdout;
    parse(&s, argc, argv);
    memset(&out, 0, sizeof out);
    g.sources = &given;
    make_world();
    if (s.list != NULL) {
        list(&g, &out, s.list);
        return fflush(stdout) == 0 ? 0 : 1;
    }
    while (part < SPLITS && strcmp(s.split, split_name[part]) != 0)
        part++;
    if (part == SPLITS)
        die(2, "--split: '%s' is none of train, valid, test", s.split);
    if (!is_kind(s.kind))
        die(2, "--kind: there is no '%s' (-h and --list kinds name all)", s.kind);
    count = (unsigned long)number("--count", s.count, 100000000);
    g.state = hash_number(part, number("--seed", s.seed, UINT64_MAX));
    if (s.out != NULL && (file = fopen(s.out, "wb")) == NULL)
        die(1, "%s: cannot be written", s.out);
    write_kind(file, &g, &s, (split)part, count);
    if (fflush(file) != 0 || ferror(file))
        die(1, "%s: cannot write", s.out != NULL ? s.out : "standard output");
    return 0;
}
