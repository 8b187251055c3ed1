//! A queue in which parties take turns, so that no party delays the others by queueing much.
//!
//! Each party has the next turn that it may take. The earliest turn goes first; among equal turns
//! the most urgent item, then the oldest. A party that was idle joins at the current turn: it
//! neither waits for what others queued before, nor saves up turns.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;

/// Parties remembered beyond those that wait; a forgotten party is as good as a new one.
const REMEMBERED: usize = 256;

#[derive(Debug)]
struct Queued<U, T> {
    urgency: U,
    arrival: u64,
    item: T,
}

impl<U: Ord, T> Queued<U, T> {
    const fn order(&self) -> (&U, u64) {
        (&self.urgency, self.arrival)
    }
}

impl<U: Ord, T> Ord for Queued<U, T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

impl<U: Ord, T> PartialOrd for Queued<U, T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<U: Ord, T> PartialEq for Queued<U, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<U: Ord, T> Eq for Queued<U, T> {}

/// The items of one party; the top is the first to go.
type Line<U, T> = BinaryHeap<Reverse<Queued<U, T>>>;

/// Items of parties `P`, each with an urgency `U`: the least goes first.
#[derive(Debug)]
pub struct FairQueue<P, U, T> {
    /// Without empty lines.
    lines: HashMap<P, Line<U, T>>,
    len: usize,
    /// The next turn of each party that had a turn lately.
    turns: HashMap<P, u64>,
    /// The turn taken last.
    turn: u64,
    arrivals: u64,
}

impl<P, U: Ord, T> Default for FairQueue<P, U, T> {
    fn default() -> Self {
        Self { lines: HashMap::new(), len: 0, turns: HashMap::new(), turn: 0, arrivals: 0 }
    }
}

impl<P: Clone + Eq + Hash, U: Ord, T> FairQueue<P, U, T> {
    /// Queues an item.
    pub fn push(&mut self, party: P, urgency: U, item: T) {
        let queued = Queued { urgency, arrival: self.arrivals, item };
        self.lines.entry(party).or_default().push(Reverse(queued));
        self.arrivals += 1;
        self.len += 1;
    }

    /// Takes the next item. Looks at the first item of every party.
    pub fn pop(&mut self) -> Option<T> {
        let waiting = self.lines.iter().filter_map(|(party, line)| {
            let Reverse(first) = line.peek()?;
            Some((party, (self.next_turn(party), first.order())))
        });
        let (party, _) = waiting.min_by_key(|(_, order)| *order)?;
        let party = party.clone();
        let line = self.lines.get_mut(&party)?;
        let Reverse(Queued { item, .. }) = line.pop()?;
        if line.is_empty() {
            self.lines.remove(&party);
        }
        self.len -= 1;
        self.turn = self.next_turn(&party);
        self.turns.insert(party, self.turn + 1);
        if self.turns.len() > REMEMBERED {
            let turn = self.turn;
            self.turns.retain(|_, next| *next > turn);
        }
        Some(item)
    }

    /// The turn that a party takes next, if no other party takes one before.
    fn next_turn(&self, party: &P) -> u64 {
        self.turns.get(party).copied().unwrap_or_default().max(self.turn)
    }

    /// Keeps only the items for which `keep` is true.
    pub fn retain(&mut self, keep: impl Fn(&T) -> bool) {
        self.lines.retain(|_, line| {
            line.retain(|Reverse(queued)| keep(&queued.item));
            !line.is_empty()
        });
        self.len = self.lines.values().map(BinaryHeap::len).sum();
    }

    /// Number of items.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no item is queued.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of items of a party.
    #[must_use]
    pub fn len_of(&self, party: &P) -> usize {
        self.lines.get(party).map_or(0, BinaryHeap::len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(queue: &mut FairQueue<&str, u8, i32>) -> Vec<i32> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn parties_take_turns_and_each_begins_with_its_most_urgent() {
        let mut queue = FairQueue::default();
        for (party, urgency, item) in
            [("a", 1, 1), ("a", 0, 2), ("a", 1, 3), ("a", 0, 4), ("b", 2, 5), ("b", 2, 6)]
        {
            queue.push(party, urgency, item);
        }
        assert_eq!((queue.len(), queue.len_of(&"a"), queue.len_of(&"c")), (6, 4, 0));
        assert_eq!(all(&mut queue), [2, 5, 4, 6, 1, 3]);
    }

    #[test]
    fn among_equal_turns_the_most_urgent_goes_first() {
        let mut queue = FairQueue::default();
        for (party, urgency, item) in [("a", 3, 1), ("b", 2, 2), ("c", 1, 3)] {
            queue.push(party, urgency, item);
        }
        assert_eq!(all(&mut queue), [3, 2, 1]);
    }

    #[test]
    fn a_late_party_waits_for_nobody_and_saves_up_nothing() {
        let mut queue = FairQueue::default();
        (0..300).for_each(|item| queue.push("flood", 0, item));
        (0..100).for_each(|item| assert_eq!(queue.pop(), Some(item)));
        queue.push("late", 9, 1_000);
        queue.push("late", 9, 1_001);
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(1_000), Some(100), Some(1_001)]);
        // It was idle for long, and has no more than its turn.
        (101..200).for_each(|item| assert_eq!(queue.pop(), Some(item)));
        (0..3).for_each(|n| queue.push("late", 9, 2_000 + n));
        assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(2_000), Some(200), Some(2_001)]);
        queue.retain(|item| *item >= 2_000);
        assert_eq!(all(&mut queue), [2_002]);
    }

    #[test]
    fn parties_that_are_gone_are_forgotten() {
        let mut queue = FairQueue::default();
        for party in 0..2_000 {
            queue.push(party, 0, party);
            assert_eq!(queue.pop(), Some(party));
            queue.push(party, 0, party);
            assert_eq!(queue.pop(), Some(party));
        }
        assert!(queue.is_empty() && queue.turns.len() <= REMEMBERED + 1, "{}", queue.turns.len());
    }
}
