-- An OpenID Connect provider is configured, so the room signs in contacts whose address it has verified.
GRANT EXECUTE ON FUNCTION room.begin_session_of(text, text, text) TO trust_room;
