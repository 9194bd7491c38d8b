//! The chat completions of OpenAI and of those who speak like it (2.3).
