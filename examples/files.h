/* files.h -- the C library's files by names in UTF-8, on Windows, too (agent.c, chat.c, server.c,
   train.c, tools/tool.h)

   Elsewhere a name is bytes. On Windows a name that is no UTF-8 is taken as one of the system's code page, as main and
   getenv hand them out. Everything is static. */
#ifndef LLMC_FILES_H
#define LLMC_FILES_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
#else
#include <sys/stat.h>
#include <sys/types.h>
#endif

/* What stands under a path; links are followed. */
typedef struct file_look {
    bool folder, file;              /* neither: a device, a pipe, ... */
    uint64_t bytes, volume, number; /* two paths lead to one file if the last two are alike */
} file_look;

#ifdef _WIN32

/* In at most 1023 characters, as llmc.h has them; false: too long. */
static inline bool file_name(const char *path, wchar_t out[1024])
{
    return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, 1024) > 0 ||
           MultiByteToWideChar(CP_ACP, 0, path, -1, out, 1024) > 0;
}

/* fopen; NULL with errno. */
static inline FILE *open_file(const char *path, const char *mode)
{
    wchar_t wide[1024], how[8];
    int i;
    for (i = 0; i < 7 && mode[i] != 0; i++)
        how[i] = (wchar_t)mode[i];
    how[i] = 0;
    errno = ENAMETOOLONG;
    return file_name(path, wide) ? _wfopen(wide, how) : NULL;
}

/* mode: as mkdir's, where there are modes. False, with errno: it could not be made, and was not there. */
static inline bool make_folder(const char *path, unsigned mode)
{
    wchar_t wide[1024];
    (void)mode;
    errno = ENAMETOOLONG;
    if (!file_name(path, wide))
        return false;
    if (CreateDirectoryW(wide, NULL) || GetLastError() == ERROR_ALREADY_EXISTS)
        return true;
    errno = GetLastError() == ERROR_PATH_NOT_FOUND ? ENOENT : EACCES;
    return false;
}

static inline bool remove_file(const char *path)
{
    wchar_t wide[1024];
    return file_name(path, wide) && DeleteFileW(wide);
}

/* False: there is nothing, or nobody may look. */
static inline bool look_at(const char *path, file_look *out)
{
    wchar_t wide[1024];
    BY_HANDLE_FILE_INFORMATION info;
    HANDLE h = INVALID_HANDLE_VALUE;
    bool ok;
    if (file_name(path, wide))
        h = CreateFileW(wide, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL, OPEN_EXISTING,
                        FILE_FLAG_BACKUP_SEMANTICS, NULL);
    if (h == INVALID_HANDLE_VALUE)
        return false;
    ok = GetFileInformationByHandle(h, &info);
    out->folder = ok && (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    out->file = ok && !out->folder && GetFileType(h) == FILE_TYPE_DISK;
    out->bytes = ok ? (uint64_t)info.nFileSizeHigh << 32 | info.nFileSizeLow : 0;
    out->volume = ok ? info.dwVolumeSerialNumber : 0;
    out->number = ok ? (uint64_t)info.nFileIndexHigh << 32 | info.nFileIndexLow : 0;
    CloseHandle(h);
    return ok;
}

#else

static inline FILE *open_file(const char *path, const char *mode)
{
    return fopen(path, mode);
}

static inline bool make_folder(const char *path, unsigned mode)
{
    return mkdir(path, (mode_t)mode) == 0 || errno == EEXIST;
}

static inline bool remove_file(const char *path)
{
    return remove(path) == 0;
}

static inline bool look_at(const char *path, file_look *out)
{
    struct stat s;
    if (stat(path, &s) != 0)
        return false;
    out->folder = S_ISDIR(s.st_mode);
    out->file = S_ISREG(s.st_mode);
    out->bytes = s.st_size > 0 ? (uint64_t)s.st_size : 0;
    out->volume = (uint64_t)s.st_dev;
    out->number = (uint64_t)s.st_ino;
    return true;
}

#endif

#endif
