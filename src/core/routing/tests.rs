//! What passes, and above all what does not.
