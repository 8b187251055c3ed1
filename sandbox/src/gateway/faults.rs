//! Disturbances of the gateway on request: which event or phase they strike, and how often. Knows
//! no sockets and no sessions.

use crate::fault::{DropHow, GatewayFault, GatewayPhase};

/// How an event is delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Delivery {
    Usual,
    Twice,
    Never,
    /// Kept back until the last of those that are to be mixed up is there.
    Later,
    /// That last one: all that was kept back goes out with it, newest first.
    Last,
}

/// The disturbances arranged and not yet used up, oldest first.
#[derive(Debug, Default)]
pub(super) struct Disturbances {
    arranged: Vec<GatewayFault>,
    /// Payloads kept back, with the sessions they are for, oldest first.
    pub(super) kept: Vec<(String, String)>,
}

impl Disturbances {
    pub(super) fn arrange(&mut self, fault: GatewayFault) {
        self.arranged.push(fault);
    }

    /// Forgets them; what was kept back is for the caller to deliver.
    pub(super) fn clear(&mut self) {
        self.arranged.clear();
    }

    /// How this event is to be delivered: the oldest disturbance that fits is used up by it.
    pub(super) fn delivery(&mut self, name: &str) -> Delivery {
        let fits = |fault: &GatewayFault| match fault {
            GatewayFault::Duplicate { event, .. }
            | GatewayFault::Lose { event, .. }
            | GatewayFault::Reorder { event, .. } => {
                event.as_ref().is_none_or(|wanted| wanted == name)
            }
            GatewayFault::DropAt { .. } => false,
        };
        let Some(index) = self.arranged.iter().position(fits) else {
            return Delivery::Usual;
        };
        let (left, delivery) = match &mut self.arranged[index] {
            GatewayFault::Duplicate { times, .. } => (times, Delivery::Twice),
            GatewayFault::Lose { times, .. } => (times, Delivery::Never),
            GatewayFault::Reorder { count, .. } => {
                let delivery = if *count > 1 { Delivery::Later } else { Delivery::Last };
                (count, delivery)
            }
            GatewayFault::DropAt { .. } => return Delivery::Usual,
        };
        let used_up = *left == 1 || delivery == Delivery::Last;
        *left = left.saturating_sub(1);
        if used_up {
            self.arranged.remove(index);
        }
        delivery
    }

    /// Whether and how a connection is to end in this phase.
    pub(super) fn strike(&mut self, now: GatewayPhase) -> Option<DropHow> {
        let here = |fault: &GatewayFault| matches!(fault, GatewayFault::DropAt { phase, .. } if *phase == now);
        let index = self.arranged.iter().position(here)?;
        let GatewayFault::DropAt { how, times, .. } = &mut self.arranged[index] else {
            return None;
        };
        let how = *how;
        if *times == 1 {
            self.arranged.remove(index);
        } else {
            *times = times.saturating_sub(1);
        }
        Some(how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_is_used_up_by_its_own_events() {
        let mut disturbances = Disturbances::default();
        disturbances.arrange(GatewayFault::Duplicate { event: Some("A".to_owned()), times: 2 });
        disturbances.arrange(GatewayFault::Reorder { event: None, count: 2 });
        let order = ["A", "B", "A", "A", "B"].map(|name| disturbances.delivery(name));
        assert_eq!(
            order,
            [Delivery::Twice, Delivery::Later, Delivery::Twice, Delivery::Last, Delivery::Usual]
        );
    }

    #[test]
    fn without_a_number_it_goes_on() {
        let mut disturbances = Disturbances::default();
        disturbances.arrange(GatewayFault::Lose { event: None, times: 0 });
        disturbances.arrange(GatewayFault::DropAt {
            phase: GatewayPhase::BeforeHello,
            how: DropHow::Tcp,
            times: 0,
        });
        for _ in 0..3 {
            assert_eq!(disturbances.delivery("A"), Delivery::Never);
            assert_eq!(disturbances.strike(GatewayPhase::BeforeHello), Some(DropHow::Tcp));
            assert_eq!(disturbances.strike(GatewayPhase::AfterReady), None);
        }
    }
}
