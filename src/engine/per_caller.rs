//! Limits how many requests or sessions each caller has in progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts by caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PerCaller {
    most: usize,
    by_caller: Arc<Mutex<HashMap<String, usize>>>,
}

/// One counted use, until dropped.
#[derive(Debug)]
pub struct Counted {
    by_caller: Arc<Mutex<HashMap<String, usize>>>,
    caller: String,
}

impl PerCaller {
    /// `most` for each caller.
    #[must_use]
    pub fn at_most(most: usize) -> Self {
        Self { most, by_caller: Arc::default() }
    }

    /// Counts a use of this caller.
    ///
    /// # Errors
    /// The limit, if the caller has reached the limit.
    pub fn count(&self, caller: &str) -> Result<Counted, usize> {
        let mut by_caller = self.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        let count = by_caller.entry(caller.to_owned()).or_default();
        if *count >= self.most {
            return Err(self.most);
        }
        *count += 1;
        drop(by_caller);
        Ok(Counted { by_caller: Arc::clone(&self.by_caller), caller: caller.to_owned() })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut by_caller = self.by_caller.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = by_caller.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                by_caller.remove(&self.caller);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_at_the_limit_leaves_the_others_theirs() {
        let counts = PerCaller::at_most(2);
        let held: Vec<Counted> = (0..2).map(|_| counts.count("token:1").unwrap()).collect();
        assert_eq!(counts.count("token:1").unwrap_err(), 2);
        assert!(counts.count("token:2").is_ok());
        drop(held);
        assert!(counts.count("token:1").is_ok());
        assert!(counts.by_caller.lock().unwrap().is_empty());
    }
}
