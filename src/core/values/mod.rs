//! Values that every other part of the core uses: identities, the words of a decision, channels,
//! time, turns.

pub mod channel;
pub mod check_result;
pub mod did_you_mean;
pub mod fair_queue;
pub mod identity;
pub mod time_scale;
pub mod time_words;
pub mod words;
