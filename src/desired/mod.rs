//! 2 DESIRED: documents lowered to what should be. Pure.
