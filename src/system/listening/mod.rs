//! What one recording said and was told: a replay of it is listened to, as what a program says is
//! in its own memory.
