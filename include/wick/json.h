/*
 * wick/json.h - JSON (RFC 8259): one strict, validating pass over a whole message in place, and a writer.
 *
 * The reader works on a message that lies whole in memory. It builds no tree, keeps no copy, does not recurse,
 * allocates nothing, reads not one byte outside the message and asks for no padding behind it. What it hands out are
 * slices into the message. The writer fills a buffer of yours, and what it writes is always valid JSON in valid UTF-8.
 *
 *     wick_json_reader r;
 *     wick_json_token t;
 *     wick_json_reader_init(&r, NULL, message, len);
 *     while (wick_json_next(&r, &t) == WICK_OK && t.type != WICK_JSON_END)
 *         if (t.type == WICK_JSON_KEY && wick_text_is(&t.text, "name", 4))
 *             wick_json_value(&r, &name);
 *     if (r.status != WICK_OK)
 *         complain(wick_status_text(r.status), r.offset);
 *
 * Strict means: exactly the grammar of RFC 8259, UTF-8 without a byte order mark, no nesting deeper than a limit
 * (32 by default), no comments, no trailing comma, nothing but white space behind the value. An escaped surrogate
 * without its other half (`"\ud800"`) is the error WICK_E_JSON_SURROGATE, or is accepted and becomes U+FFFD where
 * plain text is asked for (WICK_JSON_LONE_SURROGATES): text is never cut there. `\u0000` is a character like any
 * other. Numbers are exact: the text of a number is always there, integers are read as int64_t or uint64_t, never by
 * way of a double.
 *
 * Every error has a status, the offset of the byte that proves it, and a sentence (wick_status_text).
 */
#ifndef WICK_JSON_H
#define WICK_JSON_H

#include "wick/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/** How deep arrays and objects may be nested, unless a config says otherwise. The outermost is depth 1. */
#ifndef WICK_DEFAULT_JSON_DEPTH
#define WICK_DEFAULT_JSON_DEPTH 32
#endif

/** The deepest limit that can be configured. */
#define WICK_JSON_DEPTH_MAX 64

/* ---- Text ------------------------------------------------------------------------------------------------ */

/** The form of a wick_text: how its bytes stand for a value. */
typedef enum wick_text_form {
    /** Text as it is. Escaped when it is written. What a host has; the value of zeroed memory. */
    WICK_TEXT_PLAIN,
    /** Text that is the same escaped and not escaped. What the reader makes of a string without a backslash. */
    WICK_TEXT_CLEAN,
    /** The content of a JSON string that has escapes, without its quotes. */
    WICK_TEXT_ESCAPED,
    /** A JSON value of any kind, as it stands in the message: `42`, `{"a":[1]}`, also a string with its quotes. */
    WICK_TEXT_JSON
} wick_text_form;

/**
 * A piece of a message: text, or a JSON value.
 *
 * `data` NULL means absent, which is not the same as empty. The bytes belong to whoever made them: a text from a
 * reader points into the message, and lives as long as that.
 */
typedef struct wick_text {
    const char *data;
    uint32_t len;
    /** A wick_text_form. */
    uint32_t form;
} wick_text;

/** A plain wick_text of a string literal. */
#ifdef __cplusplus
#define WICK_TEXT(literal) (wick_text{"" literal, (uint32_t)sizeof(literal) - 1, WICK_TEXT_PLAIN})
#else
#define WICK_TEXT(literal) ((wick_text){"" literal, (uint32_t)sizeof(literal) - 1, WICK_TEXT_PLAIN})
#endif

/** Make a plain wick_text of len bytes (at most UINT32_MAX). With data NULL and len 0 it is absent. */
WICK_API wick_text wick_text_of(const char *data, size_t len);

/**
 * Give text in plain form, with its escapes resolved.
 *
 * Without escapes nothing is copied: `plain` points to the bytes of `text`. With escapes they are resolved into out,
 * which may be the memory of `text` itself: plain text is never longer than escaped text, so text.len bytes always
 * suffice, and a string can be unescaped in place. A lone surrogate becomes U+FFFD. A JSON value is given as it
 * stands.
 *
 * text    text from a reader, or a host's own plain text
 * out     receives the text if it has escapes: memory apart from text.data, or exactly text.data
 * cap     bytes at out
 * plain   set to the text
 *
 * Returns WICK_OK, or WICK_E_SPACE if cap is too small (plain->len is then what would be needed).
 */
WICK_API wick_status wick_text_plain(const wick_text *text, char *out, size_t cap, wick_str *plain);

/** Give the bytes that text has in plain form, in UTF-8. */
WICK_API size_t wick_text_plain_len(const wick_text *text);

/** Whether text in plain form is exactly the len bytes at `plain`. Absent text equals nothing. */
WICK_API int wick_text_is(const wick_text *text, const char *plain, size_t len);

/** Whether two texts are the same in plain form. Absent text equals nothing. */
WICK_API int wick_text_equal(const wick_text *a, const wick_text *b);

/**
 * Give the front part of text that has at most max bytes in plain form.
 *
 * Never cuts inside a character, an escape, or a pair of surrogate escapes. A JSON value is not cut.
 */
WICK_API wick_text wick_text_cut(const wick_text *text, size_t max);

/** Give a 64-bit hash (FNV-1a) of text in plain form, the same in every form. Not for hostile input. */
WICK_API uint64_t wick_text_hash(const wick_text *text);

/* ---- Reader ---------------------------------------------------------------------------------------------- */

/** The input is known to be UTF-8, as a text message from wick_conn is: do not check it again. */
#define WICK_JSON_UTF8_KNOWN 1u
/** Accept escaped surrogates that have no other half, instead of WICK_E_JSON_SURROGATE. */
#define WICK_JSON_LONE_SURROGATES 2u

/** What a reader wants to know. NULL instead of a config means all defaults. */
typedef struct wick_json_config {
    /** sizeof(wick_json_config) */
    size_t size;
    /** WICK_JSON_ flags, or 0 */
    uint32_t flags;
    /** deepest nesting, at most WICK_JSON_DEPTH_MAX; 0 is WICK_DEFAULT_JSON_DEPTH */
    uint32_t depth;
    /** what checks UTF-8; NULL is the portable check */
    const wick_kernels *kernels;
} wick_json_config;

/** The kind of a token. */
typedef enum wick_json_type {
    WICK_JSON_END,    /**< behind the outermost value; next() keeps giving it */
    WICK_JSON_NULL,
    WICK_JSON_FALSE,
    WICK_JSON_TRUE,
    WICK_JSON_NUMBER,
    WICK_JSON_STRING,
    WICK_JSON_KEY,    /**< the name of a member; its value is what comes next */
    WICK_JSON_OBJECT, /**< `{`; then KEY and a value for each member, then OBJECT_END */
    WICK_JSON_OBJECT_END,
    WICK_JSON_ARRAY, /**< `[`; then the elements, then ARRAY_END */
    WICK_JSON_ARRAY_END
} wick_json_type;

/** A token, in document order. */
typedef struct wick_json_token {
    wick_json_type type;
    /** STRING and KEY: the content without quotes, clean or escaped. Else the bytes of the token, as JSON. */
    wick_text text;
    /** where the token starts in the message */
    size_t offset;
} wick_json_token;

/** A reader: 80 bytes or so of your memory. Movable. `status` and `offset` are for you to read, the rest is private. */
typedef struct wick_json_reader {
    const uint8_t *data;
    size_t len;
    size_t pos;
    uint64_t kinds; /* a bit per open container, the innermost lowest: 1 is an object */
    uint32_t depth;
    uint32_t max_depth;
    uint32_t flags;
    uint32_t expect;
    const wick_kernels *kernels;
    /** The first error, or WICK_OK. */
    wick_status status;
    /** The byte that proves the error. */
    size_t offset;
} wick_json_reader;

/**
 * Set a reader to the start of a message.
 *
 * config   limits and flags; NULL is all defaults
 * data     the whole message; read, never written, and in use as long as the reader and its tokens are
 * len      bytes at data, at most UINT32_MAX
 *
 * Returns WICK_OK, WICK_E_CONFIG (size or depth), WICK_E_ARG (len).
 */
WICK_API wick_status wick_json_reader_init(wick_json_reader *reader, const wick_json_config *config, const void *data,
                                           size_t len);

/**
 * Read the next token.
 *
 * What stands behind the token is not looked at yet: a message is valid only when WICK_JSON_END has come.
 *
 * Returns
 *   WICK_OK                 *token is set
 *   WICK_E_JSON_SYNTAX      a byte that the grammar does not allow there
 *   WICK_E_JSON_CUT         the message ends inside the value, or is empty
 *   WICK_E_JSON_TRAILING    something other than white space stands behind the value
 *   WICK_E_JSON_DEPTH       nested deeper than the limit
 *   WICK_E_JSON_CONTROL     a control character stands in a string without being escaped
 *   WICK_E_JSON_ESCAPE      an escape that does not exist, or bad hex digits
 *   WICK_E_JSON_SURROGATE   an escaped surrogate without its other half
 *   WICK_E_JSON_NUMBER      a number that RFC 8259 does not allow, such as 01, 1. or .5
 *   WICK_E_JSON_UTF8        a string is not UTF-8
 *   WICK_E_JSON_BOM         the message starts with a byte order mark
 *
 * Errors stick: the same one comes again, and stands in reader->status with reader->offset. RFC 8259.
 */
WICK_API wick_status wick_json_next(wick_json_reader *reader, wick_json_token *token);

/**
 * Read the next value whole, checking all of it.
 *
 * To be called where a value is to come: behind a KEY, at the start, or in an array; there WICK_E_STATE says that the
 * array has no further element and its ARRAY_END is next.
 *
 * value   set to the value: a string's content, clean or escaped; anything else as JSON. May be NULL to skip it
 *
 * Returns WICK_OK; WICK_E_STATE if no value can come here (the reader is unchanged); or like wick_json_next().
 */
WICK_API wick_status wick_json_value(wick_json_reader *reader, wick_text *value);

/**
 * Read on to the end of the innermost open container, checking all of it. Behind an OBJECT or ARRAY token: skip it.
 *
 * Returns WICK_OK; WICK_E_STATE if nothing is open; or like wick_json_next().
 */
WICK_API wick_status wick_json_leave(wick_json_reader *reader);

/**
 * Find a member of an object by its name.
 *
 * object   an object of form WICK_TEXT_JSON, as a reader gives it: it is trusted to be valid
 * name     the name, plain
 * len      bytes at name
 * value    set to the value of the first member of that name, as in wick_json_value(); absent if there is none
 *
 * Returns WICK_OK, also if there is none; WICK_E_JSON_TYPE if it is not an object; or like wick_json_next().
 */
WICK_API wick_status wick_json_member(const wick_text *object, const char *name, size_t len, wick_text *value);

/**
 * Check that a message is one JSON value.
 *
 * offset   set to the byte that proves an error, or to len; may be NULL
 *
 * Returns like wick_json_reader_init() and wick_json_next().
 */
WICK_API wick_status wick_json_check(const wick_json_config *config, const void *data, size_t len, size_t *offset);

/* ---- Numbers --------------------------------------------------------------------------------------------- */

/**
 * Read the text of a number as a signed integer, exactly.
 *
 * Only the integer syntax counts: `1.0` and `1e3` are not integers here. `-0` is 0.
 *
 * Returns WICK_OK, WICK_E_JSON_TYPE if the text is not an integer, WICK_E_JSON_RANGE if it does not fit.
 */
WICK_API wick_status wick_json_int64(const wick_text *number, int64_t *value);

/** Read the text of a number as an unsigned integer, exactly. Returns like wick_json_int64(). */
WICK_API wick_status wick_json_uint64(const wick_text *number, uint64_t *value);

/**
 * Read the text of a number as the nearest double, ties to even.
 *
 * Correct for every number of any length, without libc or locale. Common numbers (up to 15 digits, exponent within
 * 22) take a few nanoseconds; the others are computed digit by digit and take microseconds.
 *
 * Returns WICK_OK, WICK_E_JSON_TYPE if the text is not a number, WICK_E_JSON_RANGE if it is beyond the largest
 * double (*value is then an infinity). A number too small for a double is 0 and WICK_OK.
 */
WICK_API wick_status wick_json_double(const wick_text *number, double *value);

/**
 * Compare two numbers, given as text, exactly: `1`, `1.0` and `10e-1` are equal.
 *
 * a, b     numbers as the reader gives them
 * order    set to -1, 0 or 1: a is less than, equal to, greater than b
 *
 * Returns WICK_OK, or WICK_E_JSON_TYPE if one is not a number. Takes time linear in the digits, however large the
 * exponents are; those beyond 10^17 count as 10^17.
 */
WICK_API wick_status wick_json_compare(const wick_text *a, const wick_text *b, int *order);

/* ---- Writer ---------------------------------------------------------------------------------------------- */

/** Replace what is not UTF-8 in text by U+FFFD, instead of WICK_E_JSON_UTF8. */
#define WICK_JSON_REPLACE 1u
/**
 * Believe that ESCAPED and JSON texts are valid, instead of checking them once more. For texts that come from a
 * reader; a text that lies about its form makes the output invalid.
 */
#define WICK_JSON_TRUSTED 2u

/**
 * A writer into a buffer of yours. Movable. `status` and `need` are for you to read, the rest is private.
 *
 * Commas and colons come by themselves. When the buffer is full the writer goes on counting: nothing more is
 * written, `need` ends as the size that would have sufficed, and wick_json_writer_end() returns WICK_E_SPACE. The
 * first other error sticks, and all later calls do nothing; so one check at the end is enough.
 */
typedef struct wick_json_writer {
    uint8_t *out;
    size_t cap;
    /** Bytes that all calls so far have needed. */
    size_t need;
    uint64_t kinds;
    uint32_t depth;
    uint32_t flags;
    uint32_t state;
    /** The first error, or WICK_OK. Running out of room is not one. */
    wick_status status;
    const wick_kernels *kernels;
} wick_json_writer;

/**
 * Start to write one JSON value.
 *
 * out, cap   the buffer; NULL and 0 only count
 * flags      WICK_JSON_REPLACE, WICK_JSON_TRUSTED, or 0
 */
WICK_API void wick_json_writer_init(wick_json_writer *writer, void *out, size_t cap, uint32_t flags);

/** Open an object. Up to WICK_JSON_DEPTH_MAX may be open. */
WICK_API void wick_json_put_object(wick_json_writer *writer);
/** Close the innermost object. */
WICK_API void wick_json_put_object_end(wick_json_writer *writer);
/** Open an array. */
WICK_API void wick_json_put_array(wick_json_writer *writer);
/** Close the innermost array. */
WICK_API void wick_json_put_array_end(wick_json_writer *writer);
/** Write the name of a member; its value must follow. Text is escaped. Names are not compared with earlier ones. */
WICK_API void wick_json_put_key(wick_json_writer *writer, const char *name, size_t len);
/** Write the name of a member from a text of form PLAIN, CLEAN or ESCAPED, such as a KEY that was read. */
WICK_API void wick_json_put_key_text(wick_json_writer *writer, const wick_text *name);
/** Write a string of plain UTF-8 text. */
WICK_API void wick_json_put_string(wick_json_writer *writer, const char *text, size_t len);
/**
 * Write a text of any form: PLAIN is escaped, CLEAN and ESCAPED get quotes, JSON stands as it is, except that
 * line breaks in it become spaces, so that what is written is always one line; absent is null.
 */
WICK_API void wick_json_put_text(wick_json_writer *writer, const wick_text *text);
/** Write an integer. */
WICK_API void wick_json_put_int64(wick_json_writer *writer, int64_t value);
/** Write an unsigned integer. */
WICK_API void wick_json_put_uint64(wick_json_writer *writer, uint64_t value);
/** Write true or false. */
WICK_API void wick_json_put_bool(wick_json_writer *writer, int value);
/** Write null. */
WICK_API void wick_json_put_null(wick_json_writer *writer);

/**
 * Finish the value.
 *
 * len   set to the bytes of the value: written, or with WICK_E_SPACE needed. 0 with any other error
 *
 * Returns
 *   WICK_OK               out holds *len bytes
 *   WICK_E_SPACE          the buffer is too small; *len is what is needed
 *   WICK_E_STATE          a call was out of place: a value without its key, an end that fits nothing, no value
 *   WICK_E_JSON_DEPTH     more than WICK_JSON_DEPTH_MAX containers were open
 *   WICK_E_JSON_UTF8      a text was not UTF-8
 *   WICK_E_JSON_ESCAPE, WICK_E_JSON_CONTROL, ...   a text of form ESCAPED or JSON was not what it said
 */
WICK_API wick_status wick_json_writer_end(wick_json_writer *writer, size_t *len);

#ifdef __cplusplus
}
#endif

#endif
