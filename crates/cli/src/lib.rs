//! The program aegis.
