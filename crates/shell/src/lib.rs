//! What a command line would do.
