/*
 * Sessions: their ids and tokens, how they begin, wait without a link, and end. See wick/experience.h.
 *
 * A session without a link hangs in one of two rings, both in the order in which the last links went: GONE until its
 * runs that go with their connection have been cancelled, then KEPT until the stream has expired. So what is due stands
 * in front, and nothing has to be looked for.
 */
#include <string.h>

#include "agent/experience_internal.h"

static wick_links *session_links(const wick_experience *x, uint32_t slot)
{
    return &wick_session_at(x, slot)->links;
}

/* ---- Names ----------------------------------------------------------------------------------------------- */

wick_session wick_session_handle(const wick_experience *x, uint32_t slot)
{
    return wick_handle(wick_session_at(x, slot)->generation, slot);
}

uint32_t wick_session_slot_of(const wick_experience *x, wick_session session)
{
    uint32_t slot = wick_handle_slot(session, x->fresh_sessions);
    int there = slot != WICK_NO_SLOT && wick_session_at(x, slot)->live;
    return there && wick_session_at(x, slot)->generation == session >> 32 ? slot : WICK_NO_SLOT;
}

uint32_t wick_session_find(const wick_experience *x, const wick_text *id)
{
    wick_slot_name name;
    if (wick_slot_name_set(wick_session_table(x), &name, id) < 0)
        return WICK_NO_SLOT;
    uint32_t slot = wick_table_find(wick_session_table(x), &name);
    return slot != WICK_NO_SLOT && wick_session_at(x, slot)->live ? slot : WICK_NO_SLOT;
}

wick_text wick_session_id(const wick_experience *x, uint32_t slot)
{
    return wick_slot_name_text(wick_table_name(wick_session_table(x), slot));
}

static void write_hex(const uint8_t *bytes, size_t len, char *out)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        *out++ = hex[bytes[i] >> 4];
        *out++ = hex[bytes[i] & 15];
    }
}

wick_status wick_token_write(wick_experience *x, char *out)
{
    uint8_t random[WICK_TOKEN_SIZE / 2];
    if (x->config.callbacks->on_random(x->config.user, random, sizeof random) != 0)
        return WICK_E_RANDOM;
    write_hex(random, sizeof random, out);
    return WICK_OK;
}

int wick_token_find(const wick_session_slot *s, const wick_text *token)
{
    char space[WICK_TOKEN_SIZE];
    wick_str plain;
    int found = -1;
    if (!token->data || wick_text_plain(token, space, sizeof space, &plain) != WICK_OK || plain.len != WICK_TOKEN_SIZE)
        return -1;
    for (int i = 0; i < s->token_count; i++) {
        unsigned differ = 0;
        for (size_t at = 0; at < WICK_TOKEN_SIZE; at++)
            differ |= (unsigned char)plain.data[at] ^ (unsigned char)s->tokens[i][at];
        if (differ == 0)
            found = i;
    }
    return found;
}

int wick_principal_is(const wick_principal *principal, const char *name, size_t len)
{
    return principal->len == len && memcmp(principal->name, name, len) == 0;
}

wick_status wick_principal_set(wick_principal *principal, const wick_text *name)
{
    if (name->len > WICK_PRINCIPAL_MAX)
        return WICK_E_CONFIG;
    principal->len = (uint8_t)(name->data ? name->len : 0);
    if (principal->len)
        memcpy(principal->name, name->data, principal->len);
    return WICK_OK;
}

/* ---- Begin and end --------------------------------------------------------------------------------------- */

/* An id of 128 random bits. */
static wick_status name_session(wick_experience *x, const wick_text *id, wick_slot_name *name)
{
    char text[2 + WICK_TOKEN_SIZE];
    if (id->data)
        return wick_slot_name_set(wick_session_table(x), name, id) < 0 ? WICK_E_CONFIG : WICK_OK;
    text[0] = 's';
    text[1] = '_';
    if (wick_token_write(x, text + 2) != WICK_OK)
        return WICK_E_RANDOM;
    wick_text minted = wick_text_of(text, sizeof text);
    wick_slot_name_set(wick_session_table(x), name, &minted);
    return WICK_OK;
}

static uint32_t take_session(wick_experience *x, const wick_slot_name *name, uint64_t now_ms)
{
    uint32_t slot = wick_table_take(wick_session_table(x), name);
    if (slot == WICK_NO_SLOT && wick_session_drop_oldest(x, now_ms))
        slot = wick_table_take(wick_session_table(x), name);
    if (slot == WICK_NO_SLOT)
        return slot;
    for (; x->fresh_sessions <= slot; x->fresh_sessions++)
        memset(wick_session_at(x, x->fresh_sessions), 0, sizeof(wick_session_slot));
    wick_session_slot *s = wick_session_at(x, slot);
    uint32_t generation = s->generation + 1;
    memset(s, 0, sizeof *s);
    s->generation = generation;
    s->live = 1;
    s->runs = s->readers = s->connection = s->remembered = s->rooms = WICK_NO_SLOT;
    return slot;
}

wick_status wick_session_new(wick_experience *x, const wick_text *id, int quiet, uint32_t *slot, uint64_t now_ms)
{
    wick_slot_name name;
    uint64_t epoch = 0;
    char token[WICK_TOKEN_SIZE];
    wick_status status = name_session(x, id, &name);
    if (status != WICK_OK)
        return status;
    uint32_t taken = wick_table_find(wick_session_table(x), &name);
    if (taken != WICK_NO_SLOT && wick_session_at(x, taken)->live)
        return WICK_E_STATE;
    if (wick_token_write(x, token) != WICK_OK ||
        x->config.callbacks->on_random(x->config.user, (uint8_t *)&epoch, sizeof epoch) != 0)
        return WICK_E_RANDOM;
    if (taken != WICK_NO_SLOT)
        wick_table_forget(wick_session_table(x), taken);
    *slot = take_session(x, &name, now_ms);
    if (*slot == WICK_NO_SLOT)
        return WICK_E_SPACE;
    wick_session_slot *s = wick_session_at(x, *slot);
    s->quiet = (uint8_t)quiet;
    if (!quiet) {
        status = wick_stream_init(&s->stream, &x->pool, &x->config.stream, (epoch & (WICK_INT_MAX >> 1)) + 1, now_ms);
        s->token_count = 1;
        memcpy(s->tokens[0], token, sizeof token);
    }
    x->counts.sessions++;
    return status;
}

static uint32_t *ring_of(wick_experience *x, uint8_t ring)
{
    return ring == WICK_RING_GONE ? &x->gone : &x->kept;
}

void wick_session_free(wick_experience *x, uint32_t slot, uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, slot);
    while (s->runs != WICK_NO_SLOT)
        wick_run_end(x, s->runs, 0, now_ms);
    wick_questions_forget(x, wick_session_handle(x, slot));
    wick_remember_none(x, slot);
    wick_rooms_leave(x, slot, now_ms);
    if (!s->quiet)
        wick_stream_free(&s->stream);
    wick_session_join(x, slot);
    x->counts.sessions--;
    s->live = 0;
    wick_table_release(wick_session_table(x), slot);
}

void wick_session_free_if_over(wick_experience *x, wick_session session, uint64_t now_ms)
{
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT)
        return;
    const wick_session_slot *s = wick_session_at(x, slot);
    if (s->quiet && s->run_count == 0 && s->reader_count == 0)
        wick_session_free(x, slot, now_ms);
}

/* ---- Without a link -------------------------------------------------------------------------------------- */

void wick_session_leave(wick_experience *x, uint32_t slot, uint64_t now_ms)
{
    wick_session_slot *s = wick_session_at(x, slot);
    s->ring = WICK_RING_GONE;
    s->gone_ms = now_ms;
    wick_ring_add(x, session_links, &x->gone, slot);
    x->counts.detached++;
    wick_due(x, now_ms + x->config.disconnect_ms);
}

void wick_session_join(wick_experience *x, uint32_t slot)
{
    wick_session_slot *s = wick_session_at(x, slot);
    if (s->ring == WICK_RING_NONE)
        return;
    wick_ring_remove(x, session_links, ring_of(x, s->ring), slot);
    s->ring = WICK_RING_NONE;
    x->counts.detached--;
}

static uint32_t first_idle(wick_experience *x, uint32_t first)
{
    uint32_t slot = first;
    if (slot == WICK_NO_SLOT)
        return slot;
    do {
        if (wick_session_at(x, slot)->run_count == 0)
            return slot;
        slot = wick_session_at(x, slot)->links.next;
    } while (slot != first);
    return WICK_NO_SLOT;
}

int wick_session_drop_oldest(wick_experience *x, uint64_t now_ms)
{
    uint32_t slot = first_idle(x, x->kept);
    if (slot == WICK_NO_SLOT)
        slot = first_idle(x, x->gone);
    if (slot == WICK_NO_SLOT)
        return 0;
    wick_session_free(x, slot, now_ms);
    return 1;
}

/* on_cancel may end runs, and a quiet session with them, hence the look at the handle. */
static void expire_gone(wick_experience *x, uint64_t now_ms)
{
    while (x->gone != WICK_NO_SLOT) {
        uint32_t slot = x->gone;
        wick_session_slot *s = wick_session_at(x, slot);
        if (s->gone_ms + x->config.disconnect_ms > now_ms) {
            wick_due(x, s->gone_ms + x->config.disconnect_ms);
            return;
        }
        wick_ring_remove(x, session_links, &x->gone, slot);
        s->ring = WICK_RING_KEPT;
        wick_ring_add(x, session_links, &x->kept, slot);
        wick_runs_cancel(x, slot, 0, "The client has gone.");
    }
}

static void expire_kept(wick_experience *x, uint64_t now_ms)
{
    uint32_t slot = x->kept;
    for (uint32_t left = x->counts.detached; left && slot != WICK_NO_SLOT; left--) {
        wick_session_slot *s = wick_session_at(x, slot);
        uint32_t next = s->links.next;
        uint64_t due = s->quiet ? WICK_NEVER : wick_stream_deadline(&s->stream);
        if (s->ring != WICK_RING_KEPT)
            return;
        if (due <= now_ms) {
            wick_session_free(x, slot, now_ms);
            if (next == slot)
                return;
        } else {
            uint64_t soonest = s->gone_ms + x->config.stream.retain_ms;
            wick_due(x, due);
            if (soonest > now_ms) {
                wick_due(x, soonest);
                return; /* those behind it are not due before */
            }
        }
        slot = next;
    }
}

void wick_sessions_expire(wick_experience *x, uint64_t now_ms)
{
    expire_gone(x, now_ms);
    expire_kept(x, now_ms);
}

/* ---- For hosts ------------------------------------------------------------------------------------------- */

wick_status wick_experience_create(wick_experience *x, const wick_session_config *config, wick_session *session,
                                   uint64_t now_ms)
{
    static const wick_session_config none = { sizeof none, { NULL, 0, 0 }, { NULL, 0, 0 }, { NULL, 0, 0 } };
    wick_principal principal;
    uint32_t slot = WICK_NO_SLOT;
    *session = 0;
    if (!config)
        config = &none;
    if (config->size != sizeof *config || config->mission_id.len > sizeof((wick_session_slot *)0)->mission ||
        wick_principal_set(&principal, &config->principal) != WICK_OK)
        return WICK_E_CONFIG;
    wick_status status = wick_session_new(x, &config->id, 0, &slot, now_ms);
    if (status != WICK_OK)
        return status;
    wick_session_slot *s = wick_session_at(x, slot);
    s->principal = principal;
    s->mission_len = (uint8_t)config->mission_id.len;
    s->mission_form = (uint8_t)config->mission_id.form;
    if (s->mission_len)
        memcpy(s->mission, config->mission_id.data, s->mission_len);
    wick_session_leave(x, slot, now_ms);
    *session = wick_session_handle(x, slot);
    return WICK_OK;
}

wick_code wick_experience_enter(const wick_experience *x, const wick_text *id, const wick_text *token,
                                const wick_text *principal, wick_session *session)
{
    static const wick_text nobody = { "", 0, 0 };
    uint32_t slot = wick_session_find(x, id);
    const wick_text *who = principal && principal->data ? principal : &nobody;
    *session = 0;
    if (slot == WICK_NO_SLOT)
        return WICK_CODE_SESSION_FORBIDDEN;
    const wick_session_slot *s = wick_session_at(x, slot);
    if (s->quiet || !wick_principal_is(&s->principal, who->data, who->len) || wick_token_find(s, token) < 0)
        return WICK_CODE_SESSION_FORBIDDEN;
    *session = wick_session_handle(x, slot);
    return WICK_CODE_NONE;
}

wick_session wick_experience_find(const wick_experience *x, const wick_text *id)
{
    uint32_t slot = wick_session_find(x, id);
    return slot == WICK_NO_SLOT ? 0 : wick_session_handle(x, slot);
}

wick_status wick_experience_info(const wick_experience *x, wick_session session, wick_session_info *info)
{
    uint32_t slot = wick_session_slot_of(x, session);
    memset(info, 0, sizeof *info);
    if (slot == WICK_NO_SLOT)
        return WICK_E_STATE;
    const wick_session_slot *s = wick_session_at(x, slot);
    wick_text id = wick_session_id(x, slot);
    info->id.data = id.data;
    info->id.len = id.len;
    info->principal.data = s->principal.name;
    info->principal.len = s->principal.len;
    info->links = s->reader_count;
    info->invocations = s->run_count;
    info->questions = wick_questions_count(x, session);
    info->head_seq = s->seq;
    info->oldest_seq = s->seq + 1;
    if (s->quiet)
        return WICK_OK;
    memcpy(info->resume_token, s->tokens[0], WICK_TOKEN_SIZE);
    info->epoch = wick_stream_epoch(&s->stream);
    info->head_seq = wick_stream_head(&s->stream);
    info->oldest_seq = wick_stream_oldest(&s->stream);
    return WICK_OK;
}

wick_status wick_experience_inputs(const wick_experience *x, wick_session session, void *out, size_t cap, size_t *len)
{
    size_t written;
    *len = 0;
    if (wick_session_slot_of(x, session) == WICK_NO_SLOT)
        return WICK_E_STATE;
    wick_questions_write(x, session, out, cap, &written, len);
    return written == *len ? WICK_OK : WICK_E_SPACE;
}

void wick_experience_cancel(wick_experience *x, wick_session session, const char *reason, uint64_t now_ms)
{
    uint32_t slot = wick_session_slot_of(x, session);
    (void)now_ms;
    if (slot != WICK_NO_SLOT)
        wick_runs_cancel(x, slot, 1, reason);
}

void wick_experience_end(wick_experience *x, wick_session session, unsigned close_code, const char *reason,
                         uint64_t now_ms)
{
    uint32_t slot = wick_session_slot_of(x, session);
    if (slot == WICK_NO_SLOT)
        return;
    wick_session_slot *s = wick_session_at(x, slot);
    while (wick_session_slot_of(x, session) != WICK_NO_SLOT && s->readers != WICK_NO_SLOT)
        wick_link_close(x, s->readers, close_code, reason, now_ms);
    if (wick_session_slot_of(x, session) != WICK_NO_SLOT)
        wick_runs_cancel(x, slot, 1, "The session has ended.");
    if (wick_session_slot_of(x, session) != WICK_NO_SLOT)
        wick_session_free(x, slot, now_ms);
}
