//! Ollama's chat (2.2).
