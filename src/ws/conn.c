/*
 * A WebSocket connection: set-up, failure, time, the end.
 *
 * Invariant: the first error sticks, and after it nothing but the close frame that it calls for goes out.
 * RFC 6455 sections 5.5 and 7.
 */
#include "ws/conn_internal.h"

static int config_is_complete(const wick_conn_config *config)
{
    const wick_conn_callbacks *cb;
    if (!config || config->size != sizeof *config || !config->callbacks)
        return 0;
    cb = config->callbacks;
    if (!cb->on_output || !cb->on_memory || (!cb->on_message && !cb->on_slice))
        return 0;
    return config->role == WICK_SERVER || cb->on_random;
}

wick_status wick_conn_init(wick_conn *conn, const wick_conn_config *config, void *user, uint64_t now_ms)
{
    if (!config_is_complete(config))
        return WICK_E_CONFIG;
    memset(conn, 0, sizeof *conn);
    conn->config = config;
    conn->kernels = config->kernels ? config->kernels : wick_kernels_best();
    conn->user = user;
    conn->heard_ms = now_ms;
    conn->active_ms = now_ms;
    return WICK_OK;
}

/* Ask for memory; with need 0, give it back. */
uint8_t *wick_conn_borrow(wick_conn *conn, uint8_t *block, size_t need, size_t *cap)
{
    uint8_t inside = wick_conn_enter(conn);
    *cap = 0;
    block = wick_conn_cb(conn)->on_memory(conn, conn->user, block, need, cap);
    return wick_conn_leave(conn, inside) ? block : NULL;
}

void wick_conn_give_back(wick_conn *conn, uint8_t *block)
{
    size_t cap;
    if (block)
        wick_conn_borrow(conn, block, 0, &cap);
}

void wick_conn_return_message(wick_conn *conn)
{
    uint8_t *block = conn->block;
    conn->block = NULL;
    conn->block_cap = 0;
    wick_conn_give_back(conn, block);
}

void wick_conn_return_control(wick_conn *conn)
{
    uint8_t *block = conn->control;
    conn->control = NULL;
    wick_conn_give_back(conn, block);
}

void wick_conn_return_memory(wick_conn *conn)
{
    wick_conn_return_message(conn);
    wick_conn_return_control(conn);
}

/* Nothing goes out or comes in any more. */
static void become_closed(wick_conn *conn)
{
    conn->state = WICK_CLOSED;
    conn->flags &= (uint16_t)~FLAG_CLOSE_OWED;
}

/* Send the close frame that the first error calls for, if that can be done now. */
void wick_conn_pay_owed(wick_conn *conn, uint64_t now_ms)
{
    if (!(conn->flags & FLAG_CLOSE_OWED))
        return;
    wick_status error = (wick_status)conn->status;
    const char *text = wick_status_text(error);
    size_t len = 0;
    while (text[len] && len < WICK_REASON_MAX)
        len++;
    wick_status status = wick_conn_send_close(conn, wick_status_close_code(error), text, len);
    if (status == WICK_BLOCKED || status == WICK_E_REENTRY)
        return;
    become_closed(conn);
    if (status == WICK_OK) {
        conn->flags |= FLAG_CLOSE_TOLD;
        conn->state = WICK_LINGER;
        conn->timer_ms = now_ms;
    }
}

/*
 * Fail the connection (RFC 6455 section 7.1.7): the peer gets a close frame with the code and the sentence of the
 * error, unless it has had one already.
 */
void wick_conn_fail(wick_conn *conn, wick_status status, uint64_t now_ms)
{
    int owes = conn->state == WICK_OPEN && wick_status_close_code(status) != 0;
    if (conn->status == WICK_OK)
        conn->status = (int8_t)status;
    conn->timer_ms = now_ms;
    /* First, so that the callbacks below cannot send any more. */
    if (conn->state < WICK_LINGER)
        conn->state = owes ? WICK_CLOSING : WICK_LINGER;
    if (owes)
        conn->flags |= FLAG_CLOSE_OWED;
    wick_conn_return_memory(conn);
    wick_conn_pay_owed(conn, now_ms);
}

/* The time delay_ms after start_ms; WICK_NEVER if that is beyond all time. */
static uint64_t later(uint64_t start_ms, uint64_t delay_ms)
{
    return delay_ms > WICK_NEVER - start_ms ? WICK_NEVER : start_ms + delay_ms;
}

static int has_come(uint64_t deadline_ms, uint64_t now_ms)
{
    return now_ms >= deadline_ms && deadline_ms != WICK_NEVER;
}

static uint64_t heartbeat_deadline(const wick_conn *conn)
{
    const wick_conn_config *config = conn->config;
    if (conn->flags & FLAG_PINGED)
        return later(conn->timer_ms, wick_or_default(config->pong_timeout_ms, WICK_DEFAULT_PONG_TIMEOUT_MS));
    return later(conn->heard_ms, wick_or_default(config->ping_interval_ms, WICK_DEFAULT_PING_INTERVAL_MS));
}

static uint64_t idle_deadline(const wick_conn *conn)
{
    return later(conn->active_ms, wick_or_default(conn->config->idle_timeout_ms, WICK_NEVER));
}

uint64_t wick_conn_deadline(const wick_conn *conn)
{
    uint64_t heartbeat, idle;
    if (conn->state == WICK_CLOSED)
        return WICK_NEVER;
    if (conn->state != WICK_OPEN)
        return later(conn->timer_ms,
                     wick_or_default(conn->config->close_timeout_ms, WICK_DEFAULT_CLOSE_TIMEOUT_MS));
    heartbeat = heartbeat_deadline(conn);
    idle = idle_deadline(conn);
    return heartbeat < idle ? heartbeat : idle;
}

static wick_status tick_closing(wick_conn *conn)
{
    if (conn->state == WICK_CLOSING && conn->status == WICK_OK)
        conn->status = WICK_E_CLOSE_TIMEOUT;
    become_closed(conn);
    wick_conn_return_memory(conn);
    return (wick_status)conn->status;
}

static wick_status tick_heartbeat(wick_conn *conn, uint64_t now_ms)
{
    if (conn->flags & FLAG_PINGED) {
        wick_conn_fail(conn, WICK_E_PONG_TIMEOUT, now_ms);
        become_closed(conn); /* nobody is there to linger for */
        return WICK_E_PONG_TIMEOUT;
    }
    /* A blocked output counts as a ping sent: a peer that has stopped reading is what the heartbeat is to find. */
    wick_status status = wick_conn_send_control(conn, WICK_PING, NULL, 0);
    if (status == WICK_E_REENTRY)
        return status;
    if (status < 0) {
        wick_conn_fail(conn, status, now_ms);
        return status;
    }
    conn->flags |= FLAG_PINGED;
    conn->timer_ms = now_ms;
    return WICK_OK;
}

static wick_status tick_open(wick_conn *conn, uint64_t now_ms)
{
    if (has_come(idle_deadline(conn), now_ms)) {
        wick_conn_fail(conn, WICK_E_IDLE_TIMEOUT, now_ms);
        return WICK_E_IDLE_TIMEOUT;
    }
    if (has_come(heartbeat_deadline(conn), now_ms))
        return tick_heartbeat(conn, now_ms);
    return WICK_OK;
}

wick_status wick_conn_tick(wick_conn *conn, uint64_t now_ms)
{
    wick_status status = (wick_status)conn->status;
    if (conn->inside)
        return WICK_E_REENTRY;
    wick_conn_pay_owed(conn, now_ms);
    /* Sending has no clock, so a message sent since the last look counts as sent now. */
    if (conn->flags & FLAG_SENT) {
        conn->flags &= (uint16_t)~FLAG_SENT;
        conn->active_ms = now_ms;
    }
    if (!has_come(wick_conn_deadline(conn), now_ms))
        return status;
    if (conn->state == WICK_OPEN)
        status = tick_open(conn, now_ms);
    else if (conn->state != WICK_CLOSED)
        status = tick_closing(conn);
    return status;
}

wick_status wick_conn_end(wick_conn *conn)
{
    if (conn->inside)
        return WICK_E_REENTRY;
    wick_conn_return_memory(conn);
    become_closed(conn);
    if (conn->status == WICK_OK && !(conn->flags & FLAG_CLOSE_SEEN))
        conn->status = WICK_E_EOF;
    return (wick_status)conn->status;
}

wick_state wick_conn_state(const wick_conn *conn)
{
    return (wick_state)conn->state;
}

void wick_conn_error_get(const wick_conn *conn, wick_conn_error *error)
{
    wick_status status = (wick_status)conn->status;
    error->status = status;
    error->close_code = conn->flags & FLAG_CLOSE_TOLD ? wick_status_close_code(status) : 0;
    error->offset = conn->received;
    error->section = wick_status_section(status);
    error->text = wick_status_text(status);
}
