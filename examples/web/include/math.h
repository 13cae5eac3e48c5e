#define NAN      __builtin_nanf("")
#define INFINITY __builtin_inff()
