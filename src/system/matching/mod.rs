//! Which ends of conversations belong together, and what tells that.
