//! Texts, three ways: line by line.
