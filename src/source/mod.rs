//! What did the compiler say? Files, lines, functions, types and the places of
//! variables, as the debug information of a core module tells them. Static: it
//! knows nothing of a run.
