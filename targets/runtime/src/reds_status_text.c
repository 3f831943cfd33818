/* Statuses in words. */
#include "reds.h"

const char *reds_status_text(reds_status status)
{
    switch (status) {
    case REDS_OK: return "done";
    case REDS_TRUNCATED: return "truncated: fewer bytes than the image states or a record needs";
    case REDS_NOT_AN_IMAGE: return "not a .reds image";
    case REDS_UNKNOWN_VERSION: return "written by another version of the format";
    case REDS_CORRUPT: return "corrupt: a checksum does not fit";
    case REDS_BAD_HEADER: return "a header field breaks the rules";
    case REDS_BAD_LAYER: return "a layer record breaks the rules";
    case REDS_BAD_LEVEL: return "a level record breaks the rules";
    case REDS_BAD_STEP: return "a step or channel record breaks the rules";
    case REDS_UNSUPPORTED: return "a layer kind, layout or precision that this build leaves out";
    case REDS_ARENA_TOO_SMALL: return "the arena is too small";
    case REDS_NO_SUCH_LEVEL: return "no such level";
    case REDS_MISALIGNED: return "the image or the arena is not aligned";
    }
    return "unknown status";
}
