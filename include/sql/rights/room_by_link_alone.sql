-- No provider is configured: nobody signs in without a link, which the room's process never sees before its contact does.
REVOKE EXECUTE ON FUNCTION room.begin_session_of(text, text, text) FROM trust_room;
