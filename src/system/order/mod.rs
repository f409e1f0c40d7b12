//! What happened before what over all recordings: program order in each, and that what is received
//! has been sent.
