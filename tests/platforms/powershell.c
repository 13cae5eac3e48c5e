/* powershell.c -- stands in for powershell.exe under Wine, which has none: windows.sh puts it in its place.
   It takes the options that examples/tools.h gives, decodes the script and runs the line between the first and the
   last, each word of it an order:

     say:TEXT shout:TEXT   to stdout, to stderr, followed by a new line
     where                 the last part of the folder that it runs in
     flood                 20 MB of output
     wait:MS
     child:MS              a process that waits and then makes the file "alive" here; it is not waited for
     orphan:MS             the same by a process that starts it and ends
     exit:CODE */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

static int value(char c)
{
    static const char sign[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != 0 ? strchr(sign, c) : NULL;
    return at != NULL ? (int)(at - sign) : -1;
}

/* Base64 of UTF-16, into UTF-8. */
static void decode(const char *text, char *out, int cap)
{
    static unsigned char raw[32768];
    unsigned bits = 0, have = 0;
    int n = 0;
    for (; value(*text) >= 0; text++) {
        bits = bits << 6 | (unsigned)value(*text);
        have += 6;
        if (have >= 8)
            raw[n++] = (unsigned char)(bits >> (have -= 8));
    }
    n = WideCharToMultiByte(CP_UTF8, 0, (const wchar_t *)raw, n / 2, out, cap - 1, NULL, NULL);
    out[n] = 0;
}

/* This program once more, with two words of its own. */
static void again(const char *role, const char *ms)
{
    STARTUPINFOA start;
    PROCESS_INFORMATION made;
    char path[MAX_PATH], line[MAX_PATH + 64];
    memset(&start, 0, sizeof start);
    start.cb = sizeof start;
    GetModuleFileNameA(NULL, path, sizeof path);
    snprintf(line, sizeof line, "\"%s\" %s %s", path, role, ms);
    if (CreateProcessA(path, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &made)) {
        CloseHandle(made.hThread);
        CloseHandle(made.hProcess);
    }
}

static void order(const char *word)
{
    const char *text = strchr(word, ':') != NULL ? strchr(word, ':') + 1 : "";
    char folder[MAX_PATH * 3], block[1000];
    wchar_t wide[MAX_PATH];
    int i;
    if (strncmp(word, "say:", 4) == 0)
        printf("%s\n", text);
    else if (strncmp(word, "shout:", 6) == 0)
        fprintf(stderr, "%s\n", text);
    else if (strcmp(word, "where") == 0 && GetCurrentDirectoryW(MAX_PATH, wide) > 0 &&
             WideCharToMultiByte(CP_UTF8, 0, wide, -1, folder, sizeof folder, NULL, NULL) > 0)
        printf("%s\n", strrchr(folder, '\\') + 1);
    else if (strncmp(word, "wait:", 5) == 0)
        Sleep((DWORD)atoi(text));
    else if (strncmp(word, "child:", 6) == 0)
        again("child", text);
    else if (strncmp(word, "orphan:", 7) == 0)
        again("orphan", text);
    else if (strncmp(word, "exit:", 5) == 0)
        exit(atoi(text));
    else if (strcmp(word, "flood") == 0)
        for (memset(block, 'x', sizeof block), i = 0; i < 20000; i++)
            fwrite(block, 1, sizeof block, stdout);
    else
        exit(98);
    fflush(stdout);
    fflush(stderr);
}

int main(int argc, char **argv)
{
    static char script[32768];
    char *line, *end, *word;
    if (argc == 3 && strcmp(argv[1], "orphan") == 0) {
        again("child", argv[2]);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "child") == 0) {
        FILE *f;
        Sleep((DWORD)atoi(argv[2]));
        f = fopen("alive", "w");
        return f == NULL || fclose(f) != 0;
    }
    if (argc < 3 || strcmp(argv[argc - 2], "-EncodedCommand") != 0)
        return 99;
    decode(argv[argc - 1], script, sizeof script);
    line = strchr(script, '\n');
    end = strrchr(script, '\n');
    if (line == NULL || end == line || strcmp(end, "\n; exit $LASTEXITCODE") != 0)
        return 97;
    *end = 0;
    for (word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n"))
        order(word);
    return 0;
}
