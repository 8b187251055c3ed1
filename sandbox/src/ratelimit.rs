//! Rate limits in fixed windows, per route and major parameter and over everything. Knows routes
//! by their shape only.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::fault::LimitScope;
use crate::options::RateLimits;
use crate::snowflake::Snowflake;

/// A number of requests in a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Rate {
    limit: u32,
    window: Duration,
}

impl Rate {
    const fn new(limit: u32, seconds: u64) -> Self {
        Self { limit, window: Duration::from_secs(seconds) }
    }
}

/// Counts requests, those of each application by themselves.
#[derive(Clone, Debug)]
pub(crate) struct Limiter {
    limits: RateLimits,
    clock: Clock,
    buckets: HashMap<(Option<Snowflake>, String), Window>,
    global: HashMap<Option<Snowflake>, Window>,
}

/// A window that has begun and what went through in it.
#[derive(Clone, Copy, Debug)]
struct Window {
    began: Instant,
    used: u32,
}

impl Window {
    fn new(now: Instant) -> Self {
        Self { began: now, used: 0 }
    }

    /// Counts a request in; `Err` is how long until the next window if there is no room.
    fn enter(&mut self, rate: Rate, now: Instant) -> Result<(), Duration> {
        if now.duration_since(self.began) >= rate.window {
            *self = Self::new(now);
        }
        if self.used >= rate.limit {
            return Err(self.left(rate, now));
        }
        self.used += 1;
        Ok(())
    }

    fn left(&self, rate: Rate, now: Instant) -> Duration {
        rate.window.saturating_sub(now.duration_since(self.began))
    }
}

/// What the headers of an answer say about its bucket.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    bucket: String,
    limit: u32,
    remaining: u32,
    reset_after: Duration,
    /// The end of `reset_after`, in milliseconds since 1970.
    reset_ms: i64,
}

impl Standing {
    /// The headers every answer carries.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let after = milliseconds(self.reset_after);
        vec![
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", self.remaining.to_string()),
            ("x-ratelimit-reset", seconds(self.reset_ms)),
            ("x-ratelimit-reset-after", seconds(after)),
            ("x-ratelimit-bucket", self.bucket.clone()),
        ]
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(0)
}

/// Milliseconds as seconds with a fraction.
fn seconds(milliseconds: i64) -> String {
    format!("{}.{:03}", milliseconds / 1000, milliseconds % 1000)
}

/// Too many requests.
#[derive(Clone, Debug)]
pub(crate) struct Exceeded {
    pub(crate) scope: LimitScope,
    pub(crate) retry_after: Duration,
}

impl Limiter {
    pub(crate) fn new(limits: RateLimits, clock: Clock) -> Self {
        Self { limits, clock, buckets: HashMap::new(), global: HashMap::new() }
    }

    /// Counts a request of an application in, if there is room for it. The routes of interactions
    /// have none: their buckets are told apart by the application and token in the path.
    pub(crate) fn enter(
        &mut self,
        application: Option<Snowflake>,
        method: &str,
        segments: &[String],
    ) -> Verdict {
        let now = self.clock.instant();
        let route = Route::of(method, segments);
        let rate = self.rate(&route);
        let key = (application, format!("{}:{}", route.shape, route.major));
        let window = self.buckets.entry(key).or_insert(Window::new(now));
        let mut exceeded = window
            .enter(rate, now)
            .err()
            .map(|retry_after| Exceeded { scope: LimitScope::User, retry_after });
        let (remaining, reset_after) = (rate.limit - window.used, window.left(rate, now));
        let standing = self.standing(&route, remaining, reset_after);
        if exceeded.is_none() && !route.is_interaction {
            let global = self.global_rate();
            let window = self.global.entry(application).or_insert(Window::new(now));
            exceeded = window
                .enter(global, now)
                .err()
                .map(|left| Exceeded { scope: LimitScope::Global, retry_after: left });
        }
        Verdict { standing, exceeded }
    }

    /// What the headers say of a bucket of which nothing is left for this long.
    pub(crate) fn exhausted(
        &self,
        method: &str,
        segments: &[String],
        reset_after: Duration,
    ) -> Standing {
        let route = Route::of(method, segments);
        self.standing(&route, 0, reset_after)
    }

    fn standing(&self, route: &Route, remaining: u32, reset_after: Duration) -> Standing {
        Standing {
            bucket: digest(&route.shape),
            limit: self.rate(route).limit,
            remaining,
            reset_after,
            reset_ms: self.clock.now().timestamp_millis() + milliseconds(reset_after),
        }
    }

    fn rate(&self, route: &Route) -> Rate {
        match (self.limits, route.shape.as_str()) {
            (RateLimits::Relaxed, _) => Rate::new(1_000, 5),
            (RateLimits::Real, "POST /channels/{}/messages" | "PATCH /channels/{}/messages/{}") => {
                Rate::new(5, 5)
            }
            (RateLimits::Real, "DELETE /channels/{}/messages/{}") => Rate::new(5, 1),
            // Discord does not publish the limits of the other routes: these leave a bot room.
            (RateLimits::Real, _) if route.is_interaction => Rate::new(30, 5),
            (RateLimits::Real, _) => Rate::new(50, 5),
        }
    }

    fn global_rate(&self) -> Rate {
        match self.limits {
            RateLimits::Real => Rate::new(50, 1),
            RateLimits::Relaxed => Rate::new(10_000, 1),
        }
    }
}

/// Whether a request is let through, and what the headers say.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) standing: Standing,
    pub(crate) exceeded: Option<Exceeded>,
}

/// A request's route without its parameters, and the major one among them.
#[derive(Debug, Eq, PartialEq)]
struct Route {
    shape: String,
    major: String,
    is_interaction: bool,
}

impl Route {
    fn of(method: &str, segments: &[String]) -> Self {
        let mut shape = method.to_owned();
        shape.push(' ');
        for (index, segment) in segments.iter().enumerate() {
            let parameter = segment.chars().all(|c| c.is_ascii_digit())
                || is_token(segments, index)
                || segment == "@original";
            shape.push('/');
            shape.push_str(if parameter { "{}" } else { segment });
        }
        let root = segments.first().map(String::as_str).unwrap_or_default();
        let majors = match root {
            "channels" | "guilds" => 2,
            "webhooks" | "interactions" => 3,
            _ => 0,
        };
        Self {
            shape,
            major: segments.iter().take(majors).cloned().collect(),
            is_interaction: matches!(root, "webhooks" | "interactions"),
        }
    }
}

/// Whether a segment is the token of an interaction or webhook.
fn is_token(segments: &[String], index: usize) -> bool {
    index == 2 && matches!(segments[0].as_str(), "webhooks" | "interactions")
}

/// An opaque name for a bucket, as Discord gives them.
fn digest(shape: &str) -> String {
    let mut hasher = DefaultHasher::new();
    shape.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &str) -> Vec<String> {
        path.split('/').map(str::to_owned).collect()
    }

    #[test]
    fn the_sixth_message_within_the_window_is_one_too_many() {
        let mut limiter = Limiter::new(RateLimits::Real, Clock::default());
        let path = segments("channels/1/messages");
        for left in (0..5).rev() {
            let verdict = limiter.enter(None, "POST", &path);
            assert!(verdict.exceeded.is_none());
            assert_eq!(verdict.standing.remaining, left);
        }
        let exceeded = limiter.enter(None, "POST", &path).exceeded.unwrap();
        assert_eq!(exceeded.scope, LimitScope::User);
        assert!(exceeded.retry_after <= Duration::from_secs(5));
        let elsewhere = limiter.enter(None, "POST", &segments("channels/2/messages"));
        assert!(elsewhere.exceeded.is_none());
    }

    #[test]
    fn tokens_are_no_part_of_a_bucket_name() {
        let route = Route::of("PATCH", &segments("webhooks/1/secret/messages/@original"));
        assert_eq!(route.shape, "PATCH /webhooks/{}/{}/messages/{}");
        assert!(route.is_interaction);
    }
}
