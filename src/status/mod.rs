//! 6 STATUS: what people are told, and the state store.
