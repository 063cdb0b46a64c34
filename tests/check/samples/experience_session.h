/*
 * What a host has around the sample of wick/experience_session.h.
 */
extern wick_experience *experience;
extern wick_session session;
extern wick_invocation invocation;
extern wick_status status;
extern wick_code code;
extern char id[WICK_LIMIT_ID];
extern size_t id_len;
extern uint64_t now_ms;
