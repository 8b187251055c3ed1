//! Quiet hours and days away across many kinds of clock change.

use chrono::TimeDelta;
use chrono_tz::{Africa, America, Asia, Australia, Europe, Pacific};
use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;

use super::*;

fn at(text: &str) -> Time {
    text.parse().unwrap()
}

fn profile(zone: Tz, quiet: Option<&str>, away: &[&str]) -> Profile {
    let quiet = quiet.map(|hours| hours.parse().unwrap());
    Profile {
        quiet,
        away: away.iter().map(|days| days.parse().unwrap()).collect(),
        ..Profile::unknown(7, "Maya", zone)
    }
}

/// Zone, quiet hours, current time, and the end of the quiet hours; `None`: available.
type Case = (Tz, &'static str, &'static str, Option<&'static str>);

#[test]
fn quiet_hours_are_what_the_wall_clock_says() {
    let cases: &[Case] = &[
        // Across midnight, and within a day.
        (Europe::Berlin, "22:00-07:00", "2026-11-20T21:00:00Z", Some("2026-11-21T06:00:00Z")),
        (Europe::Berlin, "22:00-07:00", "2026-11-20T20:59:59Z", None),
        (Europe::Berlin, "22:00-07:00", "2026-11-21T05:59:59Z", Some("2026-11-21T06:00:00Z")),
        (Europe::Berlin, "22:00-07:00", "2026-11-21T06:00:00Z", None),
        (Europe::Berlin, "00:00-06:00", "2026-11-20T23:00:00Z", Some("2026-11-21T05:00:00Z")),
        (Europe::Berlin, "12:00-13:00", "2026-11-21T11:30:00Z", Some("2026-11-21T12:00:00Z")),
        (Europe::Berlin, "18:00-00:00", "2026-11-21T17:30:00Z", Some("2026-11-21T23:00:00Z")),
        // Berlin skips from 02:00 to 03:00 at 01:00Z on 29 March: the night is an hour shorter.
        (Europe::Berlin, "22:00-07:00", "2026-03-28T21:00:00Z", Some("2026-03-29T05:00:00Z")),
        (Europe::Berlin, "22:00-02:30", "2026-03-29T00:59:00Z", Some("2026-03-29T01:00:00Z")),
        (Europe::Berlin, "02:15-02:45", "2026-03-29T01:00:00Z", None),
        (Europe::Berlin, "02:45-02:15", "2026-03-29T00:30:00Z", Some("2026-03-30T00:15:00Z")),
        // Berlin falls back from 03:00 to 02:00 at 01:00Z on 25 October: the night is an hour
        // longer, and some times occur twice.
        (Europe::Berlin, "22:00-07:00", "2026-10-24T20:00:00Z", Some("2026-10-25T06:00:00Z")),
        (Europe::Berlin, "22:00-02:30", "2026-10-25T00:10:00Z", Some("2026-10-25T00:30:00Z")),
        (Europe::Berlin, "22:00-02:30", "2026-10-25T00:40:00Z", None),
        (Europe::Berlin, "22:00-02:30", "2026-10-25T01:10:00Z", Some("2026-10-25T01:30:00Z")),
        (Europe::Berlin, "02:30-07:00", "2026-10-25T00:45:00Z", Some("2026-10-25T01:00:00Z")),
        (Europe::Berlin, "02:30-07:00", "2026-10-25T01:30:00Z", Some("2026-10-25T06:00:00Z")),
        // New York skips an hour at 07:00Z on 8 March and falls back at 06:00Z on 1 November.
        (America::New_York, "22:00-07:00", "2026-03-08T03:00:00Z", Some("2026-03-08T11:00:00Z")),
        (America::New_York, "22:00-02:30", "2026-03-08T06:30:00Z", Some("2026-03-08T07:00:00Z")),
        (America::New_York, "22:00-07:00", "2026-11-01T02:00:00Z", Some("2026-11-01T12:00:00Z")),
        (America::New_York, "01:30-06:00", "2026-11-01T05:45:00Z", Some("2026-11-01T06:00:00Z")),
        (America::New_York, "01:30-06:00", "2026-11-01T06:45:00Z", Some("2026-11-01T11:00:00Z")),
        // A leap day.
        (Europe::Berlin, "22:00-07:00", "2028-02-28T22:00:00Z", Some("2028-02-29T06:00:00Z")),
        (Europe::Berlin, "22:00-07:00", "2028-02-29T22:00:00Z", Some("2028-03-01T06:00:00Z")),
        // Extreme offsets, a quarter-hour offset, and a daylight saving shift of half an hour.
        (Pacific::Kiritimati, "22:00-07:00", "2026-11-20T08:00:00Z", Some("2026-11-20T17:00:00Z")),
        (Pacific::Niue, "22:00-07:00", "2026-11-20T09:00:00Z", Some("2026-11-20T18:00:00Z")),
        (Asia::Kathmandu, "22:00-07:00", "2026-11-20T16:15:00Z", Some("2026-11-21T01:15:00Z")),
        (Australia::Lord_Howe, "22:00-07:00", "2026-10-03T12:00:00Z", Some("2026-10-03T20:00:00Z")),
        // Cairo skips an hour at midnight: local midnight does not exist.
        (Africa::Cairo, "20:00-00:00", "2026-04-23T21:00:00Z", Some("2026-04-23T22:00:00Z")),
    ];
    for (zone, hours, now, end) in cases {
        let expected = end.map_or(Availability::Available, |end| Availability::Quiet {
            until: at(end),
            why: QuietReason::QuietHours,
        });
        assert_eq!(
            availability(&profile(*zone, Some(hours), &[]), None, at(now)),
            expected,
            "{zone} {hours} at {now}"
        );
    }
}

#[test]
fn days_away_are_days_of_the_persons_own_calendar() {
    let cases: &[(Tz, &[&str], &str, Option<&str>)] = &[
        (Europe::Berlin, &["2026-12-24..2027-01-02"], "2026-12-23T22:59:59Z", None),
        (
            Europe::Berlin,
            &["2026-12-24..2027-01-02"],
            "2026-12-23T23:00:00Z",
            Some("2027-01-02T23:00:00Z"),
        ),
        (Europe::Berlin, &["2026-12-24..2027-01-02"], "2027-01-02T23:00:00Z", None),
        // A single day, and adjacent entries.
        (Europe::Berlin, &["2028-02-29"], "2028-02-29T12:00:00Z", Some("2028-02-29T23:00:00Z")),
        (
            Europe::Berlin,
            &["2026-05-01", "2026-05-02..2026-05-03"],
            "2026-05-01T10:00:00Z",
            Some("2026-05-03T22:00:00Z"),
        ),
        // Across both clock changes, and across one change.
        (
            Europe::Berlin,
            &["2026-03-01..2026-10-31"],
            "2026-03-10T10:00:00Z",
            Some("2026-10-31T23:00:00Z"),
        ),
        (
            Europe::Berlin,
            &["2026-03-01..2026-04-30"],
            "2026-03-10T10:00:00Z",
            Some("2026-04-30T22:00:00Z"),
        ),
        // The next day begins at 01:00 (Cairo); a day that did not exist (Apia).
        (
            Africa::Cairo,
            &["2026-04-20..2026-04-23"],
            "2026-04-22T10:00:00Z",
            Some("2026-04-23T22:00:00Z"),
        ),
        (Pacific::Apia, &["2011-12-29"], "2011-12-29T12:00:00Z", Some("2011-12-30T10:00:00Z")),
    ];
    for (zone, days, now, end) in cases {
        let expected =
            end.map_or(Availability::Available, |end| Availability::Away { until: at(end) });
        assert_eq!(
            availability(&profile(*zone, None, days), None, at(now)),
            expected,
            "{zone} {days:?} at {now}"
        );
    }
}

#[test]
fn snoozing_goes_on_into_the_quiet_hours() {
    let now = at("2026-11-20T20:00:00Z"); // 21:00 in Berlin
    let berlin = profile(Europe::Berlin, Some("22:00-07:00"), &[]);
    let of = |snooze| availability(&berlin, Some(at(snooze)), now);
    let quiet = |until| Availability::Quiet { until: at(until), why: QuietReason::Snoozed };
    assert_eq!(of("2026-11-20T20:30:00Z"), quiet("2026-11-20T20:30:00Z"), "it ends before them");
    assert_eq!(of("2026-11-20T23:00:00Z"), quiet("2026-11-21T06:00:00Z"), "it ends within them");
    assert_eq!(of("2026-11-20T19:59:00Z"), Availability::Available, "it is over");
    let away = Profile { away: vec!["2026-11-20".parse().unwrap()], ..berlin };
    assert!(matches!(
        availability(&away, Some(at("2026-11-20T20:30:00Z")), now),
        Availability::Away { .. }
    ));
}

#[test]
fn a_breach_and_critical_risk_come_through_quiet_but_not_to_those_away() {
    let until = at("2026-11-21T06:00:00Z");
    for why in [QuietReason::QuietHours, QuietReason::Snoozed] {
        let quiet = Availability::Quiet { until, why };
        for risk in [Risk::Low, Risk::Medium, Risk::High] {
            assert_eq!(
                delivery_timing(quiet, ContactUrgency::Usual, risk),
                ContactTime::Held { until, why },
                "{risk}"
            );
            assert_eq!(
                delivery_timing(quiet, ContactUrgency::Breach, risk),
                ContactTime::Now,
                "{risk}"
            );
        }
        assert_eq!(delivery_timing(quiet, ContactUrgency::Usual, Risk::Critical), ContactTime::Now);
    }
    for urgency in [ContactUrgency::Usual, ContactUrgency::Breach] {
        assert_eq!(
            delivery_timing(Availability::Away { until }, urgency, Risk::Critical),
            ContactTime::PassedOver { until }
        );
        assert_eq!(delivery_timing(Availability::Available, urgency, Risk::Low), ContactTime::Now);
    }
}

#[test]
fn if_everybody_is_away_the_breach_reaches_them_all_the_same() {
    let until = at("2026-11-21T06:00:00Z");
    let (away, here) = (Availability::Away { until }, Availability::Available);
    let over = ContactTime::PassedOver { until };
    assert_eq!(
        delivery_timings(&[away, away], ContactUrgency::Breach, Risk::Low),
        [ContactTime::Now, ContactTime::Now]
    );
    assert_eq!(
        delivery_timings(&[away, away], ContactUrgency::Usual, Risk::Critical),
        [over, over]
    );
    assert_eq!(
        delivery_timings(&[away, here], ContactUrgency::Breach, Risk::Low),
        [over, ContactTime::Now]
    );
    assert_eq!(delivery_timings(&[], ContactUrgency::Breach, Risk::Low), []);
}

#[test]
fn what_people_said_goes_before_the_configuration() {
    let configured = profile(Europe::Berlin, Some("22:00-07:00"), &["2026-12-24"]);
    assert_eq!(configured.clone().with(&Preferences::default()), configured);
    let said = Preferences {
        quiet: Some(QuietPreference::Off),
        away: Some(Vec::new()),
        zone: Some(Asia::Tokyo),
        snooze: Some(at("2026-11-21T06:00:00Z")),
    };
    assert_eq!(configured.clone().with(&said), profile(Asia::Tokyo, None, &[]));
    let kept = serde_json::to_string(&Preferences {
        quiet: Some(QuietPreference::Hours("21:30-06:00".parse().unwrap())),
        ..said.clone()
    })
    .unwrap();
    assert_eq!(
        kept,
        concat!(
            r#"{"snooze":"2026-11-21T06:00:00Z","quiet":{"hours":"21:30-06:00"},"#,
            r#""away":[],"zone":"Asia/Tokyo"}"#
        )
    );
    assert_eq!(
        serde_json::from_str::<Preferences>(&kept).unwrap().quiet,
        Some(QuietPreference::Hours("21:30-06:00".parse().unwrap()))
    );
    assert_eq!(serde_json::from_str::<Preferences>("{}").unwrap(), Preferences::default());
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    let wrong = [
        "22:00".parse::<QuietHours>().unwrap_err(),
        "22:00-22:00".parse::<QuietHours>().unwrap_err(),
        "22:00-25:00".parse::<QuietHours>().unwrap_err(),
        "22-7".parse::<QuietHours>().unwrap_err(),
        "2026-02-29".parse::<Away>().unwrap_err(),
        "2027-01-02..2026-12-24".parse::<Away>().unwrap_err(),
        "Christmas".parse::<Away>().unwrap_err(),
        phone("0151 123").unwrap_err(),
        phone("+0151 12345678").unwrap_err(),
        ntfy_topic("a topic").unwrap_err(),
        time_zone("Berlin").unwrap_err(),
    ];
    let expected = [
        "\"22:00\" is not a range of hours: write the start and the end, such as \"22:00-07:00\"",
        "quiet hours from 22:00 to 22:00 would be a whole day or nothing: give two different times",
        "\"25:00\" is not a time of day: write hours and minutes, such as 22:00",
        "\"22\" is not a time of day: write hours and minutes, such as 22:00",
        "\"2026-02-29\" is not a date: write year, month and day, such as 2026-12-24",
        "the absence from 2027-01-02 to 2026-12-24 ends before it begins: give the first day first",
        "\"Christmas\" is not a date: write year, month and day, such as 2026-12-24",
        "\"0151 123\" is not a phone number: write it with the country code, such as \
         \"+4915112345678\"",
        "\"+0151 12345678\" is not a phone number: write it with the country code, such as \
         \"+4915112345678\"",
        "\"a topic\" is not an ntfy topic: use 1 to 64 letters, digits, - and _, and choose a name \
         that is hard to guess",
        "\"Berlin\" is not a time zone: write, for example, \"Europe/Berlin\" or \"UTC\"",
    ];
    assert_eq!(wrong, expected);
    assert_eq!(phone("+49 (151) 123-45678"), Ok("+4915112345678".into()));
    assert_eq!("7:00-9:30".parse::<QuietHours>().unwrap().to_string(), "07:00-09:30");
    assert_eq!("2028-02-29".parse::<Away>().unwrap().to_string(), "2028-02-29");
}

const ZONES: &[Tz] = &[
    Europe::Berlin,
    America::New_York,
    America::St_Johns,
    Africa::Cairo,
    Australia::Lord_Howe,
    Asia::Kathmandu,
    Pacific::Apia,
    Pacific::Kiritimati,
    chrono_tz::Antarctica::Troll,
];

/// Wall-clock times, often in hours that are skipped or occur twice.
fn clock() -> impl Strategy<Value = NaiveTime> {
    let near = (0_u32..240)
        .prop_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap());
    let any = (0_u32..1_440)
        .prop_map(|minute| NaiveTime::from_hms_opt(minute / 60, minute % 60, 0).unwrap());
    prop_oneof![near, any]
}

/// Days around clock changes in several zones, and an ordinary day.
const DAYS: &[&str] = &[
    "2026-03-08T00:00:00Z",
    "2026-03-28T12:00:00Z",
    "2026-04-04T06:00:00Z",
    "2026-04-23T12:00:00Z",
    "2026-07-01T00:00:00Z",
    "2026-10-03T06:00:00Z",
    "2026-10-24T18:00:00Z",
    "2026-10-29T12:00:00Z",
    "2026-10-31T20:00:00Z",
    "2028-02-28T12:00:00Z",
];

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig {
        cases: 120,
        failure_persistence: None,
        ..Default::default()
    })]

    /// For every minute of a day and a half: quiet exactly when the wall clock says so, and the
    /// reported end is the first minute that is not quiet.
    #[test]
    fn every_minute_over_a_change_of_the_clocks(
        zone in select(ZONES),
        day in select(DAYS),
        from in clock(),
        to in clock(),
    ) {
        let Ok(hours) = QuietHours::new(from, to) else { return Ok(()) };
        let person = Profile { quiet: Some(hours), ..Profile::unknown(7, "Maya", zone) };
        let minute = |n: i64| at(day) + TimeDelta::minutes(n);
        let is_quiet = |at: Time| hours.include(at.with_timezone(&zone).time());
        // Runs backwards, so that the next free minute is known at each step; starts three days
        // ahead, so that a free minute exists.
        let mut free = None;
        for n in (0..3 * 1_440).rev() {
            if !is_quiet(minute(n)) {
                free = Some(minute(n));
            }
            if n >= 1_440 * 3 / 2 {
                continue;
            }
            match availability(&person, None, minute(n)) {
                Availability::Available => prop_assert_eq!(free, Some(minute(n))),
                Availability::Quiet { until, why } => {
                    prop_assert_eq!(why, QuietReason::QuietHours);
                    prop_assert!(is_quiet(minute(n)));
                    prop_assert_eq!(Some(until), free);
                    prop_assert!(is_quiet(until - TimeDelta::seconds(1)));
                }
                Availability::Away { .. } => prop_assert!(false, "nobody is away"),
            }
        }
    }
}

#[test]
fn an_abbreviation_is_the_zone_of_the_tz_database_and_cautioned_about() {
    let at = |text: &str| text.parse::<Time>().unwrap();
    let clock = |name: &str, moment: &str| {
        let zone = time_zone(name).unwrap();
        at(moment).with_timezone(&zone).format("%H:%M").to_string()
    };
    for (name, winter, summer, is_cautioned) in [
        ("EST", "07:00", "07:00", true),
        ("MST", "05:00", "05:00", true),
        ("HST", "02:00", "02:00", false),
        ("EST5EDT", "07:00", "08:00", false),
        ("America/New_York", "07:00", "08:00", false),
        ("America/Panama", "07:00", "07:00", false),
        ("UTC", "12:00", "12:00", false),
        ("CET", "13:00", "14:00", false),
    ] {
        let found = (clock(name, "2026-01-15T12:00:00Z"), clock(name, "2026-07-15T12:00:00Z"));
        assert_eq!(found, (winter.to_owned(), summer.to_owned()), "{name}");
        assert_eq!(zone_caution(time_zone(name).unwrap()).is_some(), is_cautioned, "{name}");
    }
    // A quiet night by EST ends at the same moment of UTC in summer and winter.
    let profile = Profile {
        quiet: Some("22:00-07:00".parse().unwrap()),
        ..Profile::unknown(1, "Ann", time_zone("EST").unwrap())
    };
    for day in ["2026-01-15", "2026-07-15"] {
        let night = availability(&profile, None, at(&format!("{day}T08:00:00Z")));
        let until = at(&format!("{day}T12:00:00Z"));
        assert_eq!(night, Availability::Quiet { until, why: QuietReason::QuietHours });
    }
    // Abbreviations that name no zone are refused.
    for name in ["PST", "CST", "EDT", "BST", "IST", "est"] {
        assert!(time_zone(name).is_err(), "{name}");
    }
}
