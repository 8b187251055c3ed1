//! Whether a person is at the desk, from what the machine says.
//!
//! Only a clear yes counts: what is unknown, stale, or in the future means that nobody is there. Of
//! several sources, each must say so. Does not depend on how the machine is asked.

use std::path::PathBuf;

use chrono::TimeDelta;

use crate::core::Time;

/// How to see a person at the desk. Without any source, nobody is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceSettings {
    /// The lock screen.
    pub lock_screen: Option<LockScreen>,
    /// A file that exists while a person is there. Absolute.
    pub file: Option<PathBuf>,
    /// Whether to look at the file that `CLAUDE_CLIENT_PRESENCE_FILE` names.
    pub claude_file: bool,
    /// A command that ends with status 0 while a person is there: an absolute path with arguments.
    /// Empty: none.
    pub command: Vec<String>,
    /// Without input for this long, nobody is there. Absent: as the desktop counts.
    pub idle: Option<TimeDelta>,
    /// An older file counts as forgotten.
    pub fresh: TimeDelta,
}

/// What to ask about the lock screen, by D-Bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockScreen {
    /// systemd's login manager.
    Logind,
    /// The desktop's screen saver.
    ScreenSaver,
}

impl PresenceSettings {
    /// The default of [`PresenceSettings::fresh`].
    pub const FRESH: TimeDelta = TimeDelta::hours(12);
}

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The lock screen.
    Screen(ScreenState),
    /// A file.
    File(MarkerFile),
    /// A command ended with this status. Absent: a signal ended it.
    Command(Option<i32>),
    /// The source could not be read: why.
    Unknown(String),
}

/// The state of a desktop session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScreenState {
    /// Whether the session is the one that is shown.
    pub is_active: bool,
    /// Whether the screen is locked, or the screen saver runs.
    pub is_locked: bool,
    /// Since when there was no input, if the desktop knows.
    pub idle: Idle,
}

/// Input at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// The desktop counts the session as in use.
    No,
    /// The desktop counts the session as idle, since this wall-clock time.
    Since(Time),
    /// No input for so long; the desktop does not judge.
    For(TimeDelta),
}

/// A file that says that a person is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerFile {
    /// There is none.
    Missing,
    /// Others could have written it.
    Untrusted(MarkerFault),
    /// Written at this wall-clock time.
    Written(Time),
}

/// Why a file does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerFault {
    /// The path is not absolute.
    Relative,
    /// It lies in the agent's folder.
    InWorkspace,
    /// It is a link, a folder or a device.
    NoPlainFile,
    /// It belongs to another user.
    OfAnother,
    /// Other users may write it, or replace it in its folder.
    WritableByOthers,
}

/// Whether a person is at the desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// A person is there.
    Here,
    /// Nobody is there, or nobody knows.
    Away(AwayReason),
}

/// Why nobody counts as being there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwayReason {
    /// No source is configured.
    NotConfigured,
    /// The screen is locked.
    Locked,
    /// Another session is shown.
    Inactive,
    /// No input for so long.
    Idle(TimeDelta),
    /// The file does not exist.
    NoFile,
    /// The file does not count.
    Untrusted(MarkerFault),
    /// The file was written in the future.
    Future,
    /// The file was written too long ago: so long.
    Stale(TimeDelta),
    /// The command says so.
    Command,
    /// The source could not be read: why.
    Unknown(String),
}

/// How far a file's time may lie ahead, because file systems and clocks round differently.
const CLOCK_GRAIN: TimeDelta = TimeDelta::seconds(2);

/// What one source says, at this wall-clock time.
#[must_use]
pub fn judge(reading: &Reading, settings: &PresenceSettings, now: Time) -> Presence {
    match reading {
        Reading::Screen(screen) => judge_screen(*screen, settings.idle, now),
        Reading::File(MarkerFile::Missing) => Presence::Away(AwayReason::NoFile),
        Reading::File(MarkerFile::Untrusted(fault)) => {
            Presence::Away(AwayReason::Untrusted(*fault))
        }
        Reading::File(MarkerFile::Written(at)) => match now - *at {
            age if age < -CLOCK_GRAIN => Presence::Away(AwayReason::Future),
            age if age > settings.fresh => Presence::Away(AwayReason::Stale(age)),
            _ => Presence::Here,
        },
        Reading::Command(Some(0)) => Presence::Here,
        Reading::Command(Some(1)) => Presence::Away(AwayReason::Command),
        Reading::Command(status) => {
            let ended = status
                .map_or("by a signal".to_owned(), |status| format!("with exit status {status}"));
            Presence::Away(AwayReason::Unknown(format!("it ended {ended}")))
        }
        Reading::Unknown(why) => Presence::Away(AwayReason::Unknown(why.clone())),
    }
}

fn judge_screen(screen: ScreenState, longest: Option<TimeDelta>, now: Time) -> Presence {
    if screen.is_locked {
        return Presence::Away(AwayReason::Locked);
    }
    if !screen.is_active {
        return Presence::Away(AwayReason::Inactive);
    }
    let (idle, longest) = match screen.idle {
        Idle::No => return Presence::Here,
        Idle::Since(since) => (now - since, longest.unwrap_or(TimeDelta::zero())),
        Idle::For(idle) => match longest {
            Some(longest) => (idle, longest),
            None => return Presence::Here,
        },
    };
    // An idle time that ends in the future says nothing for certain.
    if idle >= longest || idle < -CLOCK_GRAIN {
        return Presence::Away(AwayReason::Idle(idle));
    }
    Presence::Here
}

/// What all sources say together.
#[must_use]
pub fn together(sources: impl IntoIterator<Item = Presence>) -> Presence {
    let mut all = Presence::Away(AwayReason::NotConfigured);
    for source in sources {
        match source {
            Presence::Here => all = Presence::Here,
            away @ Presence::Away(_) => return away,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Time {
        Time::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minute)
    }

    fn settings() -> PresenceSettings {
        PresenceSettings {
            lock_screen: None,
            file: None,
            claude_file: false,
            command: Vec::new(),
            idle: None,
            fresh: TimeDelta::hours(1),
        }
    }

    fn seen(reading: Reading) -> Presence {
        judge(&reading, &settings(), at(0))
    }

    fn away(reason: AwayReason) -> Presence {
        Presence::Away(reason)
    }

    #[test]
    fn a_file_counts_while_it_is_fresh_and_never_from_the_future() {
        let written = |minute| seen(Reading::File(MarkerFile::Written(at(minute))));
        assert_eq!((written(0), written(-60)), (Presence::Here, Presence::Here));
        assert_eq!(written(-61), away(AwayReason::Stale(TimeDelta::minutes(61))));
        assert_eq!(written(1), away(AwayReason::Future));
        assert_eq!(seen(Reading::File(MarkerFile::Missing)), away(AwayReason::NoFile));
        let fault = MarkerFault::InWorkspace;
        assert_eq!(
            seen(Reading::File(MarkerFile::Untrusted(fault))),
            away(AwayReason::Untrusted(fault))
        );
    }

    #[test]
    fn a_command_says_yes_by_its_status_alone() {
        assert_eq!(seen(Reading::Command(Some(0))), Presence::Here);
        assert_eq!(seen(Reading::Command(Some(1))), away(AwayReason::Command));
        for status in [Some(2), Some(127), None] {
            let Presence::Away(AwayReason::Unknown(_)) = seen(Reading::Command(status)) else {
                panic!("{status:?}")
            };
        }
    }

    #[test]
    fn a_locked_hidden_or_idle_screen_has_nobody_before_it() {
        let open = ScreenState { is_active: true, is_locked: false, idle: Idle::No };
        let screen = |state: ScreenState, idle: Option<i64>| {
            let idle = idle.map(TimeDelta::minutes);
            judge(&Reading::Screen(state), &PresenceSettings { idle, ..settings() }, at(0))
        };
        assert_eq!(screen(open, None), Presence::Here);
        let locked = ScreenState { is_locked: true, ..open };
        assert_eq!(screen(locked, None), away(AwayReason::Locked));
        let hidden = ScreenState { is_active: false, ..open };
        assert_eq!(screen(hidden, None), away(AwayReason::Inactive));
        let since = |minute| ScreenState { idle: Idle::Since(at(minute)), ..open };
        assert_eq!(screen(since(-1), None), away(AwayReason::Idle(TimeDelta::minutes(1))));
        assert_eq!(screen(since(-4), Some(5)), Presence::Here);
        assert_ne!(screen(since(-5), Some(5)), Presence::Here);
        assert_ne!(screen(since(5), Some(5)), Presence::Here, "in the future");
        let quiet = |minutes| ScreenState { idle: Idle::For(TimeDelta::minutes(minutes)), ..open };
        assert_eq!(screen(quiet(90), None), Presence::Here);
        assert_eq!(screen(quiet(4), Some(5)), Presence::Here);
        assert_ne!(screen(quiet(5), Some(5)), Presence::Here);
    }

    #[test]
    fn every_source_must_say_so_and_no_source_says_nothing() {
        let unknown = || away(AwayReason::Unknown("no D-Bus".into()));
        assert_eq!(together([]), away(AwayReason::NotConfigured));
        assert_eq!(together([Presence::Here, Presence::Here]), Presence::Here);
        assert_eq!(together([Presence::Here, unknown()]), unknown());
        assert_eq!(together([unknown(), Presence::Here]), unknown());
        assert_eq!(seen(Reading::Unknown("no D-Bus".into())), unknown());
    }
}
