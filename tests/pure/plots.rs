//! The plots as pictures: of the right size, not blank, each mark where its figure belongs. They
//! are left in the build's folder for tests, to be looked at.

use std::path::PathBuf;

use gander::core::Time;
use gander::core::messaging::digest::{DigestFigures, End, Ended, OpenFigures, digest};
use gander::core::policy::calibration::{Calibration, Count, Supported, Tally, calibrate};
use gander::engine::operations::plot::png;
use gander::presentation::plot::{Ink, Mark, Picture, WIDTH, calibration_plot, wait_plot};

fn tally(agent: &str, kind: &str, hundredth: u8, approved: u64, rejected: u64) -> Tally {
    Tally {
        agent: agent.into(),
        kind: kind.into(),
        hundredth,
        count: Count { approved, rejected, ..Count::default() },
    }
}

fn calibration() -> Calibration {
    let tallies = [
        tally("goose", "naming", 97, 118, 1),
        tally("goose", "naming", 92, 64, 2),
        tally("claude-code", "test_failure", 86, 40, 1),
        tally("claude-code", "routine", 75, 21, 4),
        tally("goose", "routine", 63, 9, 5),
        tally("goose", "parameter", 41, 3, 4),
        tally("goose", "parameter", 12, 0, 2),
    ];
    calibrate(&tallies, None, None)
}

fn waits() -> DigestFigures {
    use gander::core::decision::Via;
    let minutes = chrono::TimeDelta::minutes;
    let of = |project: &str, kind: &str, waited: &[i64]| {
        let ended = |waited: &i64| Ended {
            project: project.into(),
            kind: kind.into(),
            waited: minutes(*waited),
            late: *waited > 270,
            verdict: Some(("approved".into(), Via::Discord)),
        };
        waited.iter().map(ended).collect::<Vec<_>>()
    };
    let all = [
        of("web-shop", "deploy", &[4, 7, 9, 12, 15, 22, 31, 44, 180, 15]),
        of("ghl", "client_communication", &[90, 400, 700, 1500]),
        of("mobile-app", "code_review", &[2, 2, 3, 40, 1, 2]),
        of("default", "naming", &[1, 1, 1, 2]),
        of("a-project-with-a-very-long-name-indeed", "test_failure", &[33]),
        of("web-shop", "pricing", &[5_000, 2_900]),
    ];
    let from = Time::UNIX_EPOCH;
    digest(
        (from, from + minutes(1440)),
        27,
        &all.concat(),
        OpenFigures::default(),
        End { events: 1, head: String::new() },
    )
}

/// Width and height, from the picture's own header, and how many different bytes its pixels are
/// packed into.
fn looked_at(name: &str, picture: &Picture) -> (u32, u32) {
    let bytes = png(picture).unwrap();
    std::fs::write(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name), &bytes).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let blank = png(&Picture { marks: Vec::new(), ..picture.clone() }).unwrap();
    assert!(
        bytes.len() > 4 * blank.len(),
        "{name} is {} bytes long, and an empty one {}",
        bytes.len(),
        blank.len()
    );
    (number(16), number(20))
}

fn said(picture: &Picture) -> String {
    let words = picture.marks.iter().filter_map(|mark| match mark {
        Mark::Words { words, .. } => Some(words.as_str()),
        _ => None,
    });
    words.collect::<Vec<_>>().join("\n")
}

#[test]
fn agreement_over_confidence() {
    let calibration = calibration();
    assert!(
        matches!(calibration.supported, Supported::From { hundredth: 86, .. }),
        "{:?}",
        calibration.supported
    );
    let picture = calibration_plot(&calibration);
    assert_eq!(looked_at("calibration.png", &picture), (WIDTH, 690));
    insta::assert_snapshot!("calibration_words", said(&picture));
    let dots: Vec<_> =
        picture.marks.iter().filter(|mark| matches!(mark, Mark::Dot { .. })).collect();
    assert_eq!(dots.len(), calibration.bins.len());
}

#[test]
fn waits_by_project_and_kind() {
    let digest = waits();
    let picture = wait_plot(&digest).unwrap();
    assert_eq!(looked_at("waits.png", &picture).0, WIDTH);
    insta::assert_snapshot!("wait_words", said(&picture));
    // Who waited longer stands further to the right, and nine of ten never before half.
    let at: Vec<f32> = picture
        .marks
        .iter()
        .filter_map(|mark| if let Mark::Dot { at, .. } = mark { Some(at.0) } else { None })
        .collect();
    for (index, wait) in digest.waits.iter().enumerate() {
        for (other, longer) in digest.waits.iter().enumerate() {
            assert!(wait.median >= longer.median || at[index] < at[other], "{wait:?} {longer:?}");
        }
    }
}

#[test]
fn nothing_decided_has_no_plot_and_one_of_each_has() {
    let from = Time::UNIX_EPOCH;
    let none = digest(
        (from, from),
        0,
        &[],
        OpenFigures::default(),
        End { events: 0, head: String::new() },
    );
    assert_eq!(wait_plot(&none), None);
    let one = calibrate(&[tally("a", "naming", 100, 1, 0)], None, None);
    looked_at("calibration-one.png", &calibration_plot(&one));
    looked_at("calibration-none.png", &calibration_plot(&calibrate(&[], None, None)));
}

#[test]
fn everything_lies_within_the_picture() {
    for picture in [calibration_plot(&calibration()), wait_plot(&waits()).unwrap()] {
        let inside = |(x, y): (f32, f32)| {
            (0.0..=f64::from(picture.width)).contains(&f64::from(x))
                && (0.0..=f64::from(picture.height)).contains(&f64::from(y))
        };
        for mark in &picture.marks {
            let within = match mark {
                Mark::Line { from, to, .. } => inside(*from) && inside(*to),
                Mark::Dot { at, .. } | Mark::Words { at, .. } => inside(*at),
            };
            assert!(within, "{mark:?} of {} by {}", picture.width, picture.height);
        }
        assert!(
            picture.marks.iter().any(|mark| matches!(mark, Mark::Words { ink: Ink::Words, .. }))
        );
    }
}
