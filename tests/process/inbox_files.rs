//! What can lie in a drop folder: half a file, a wrong one, and none at all.

use gander::core::decision::DecisionId;
use gander::sources::inbox::InboxScan;

use crate::inbox_world::{QUESTION, World, fixtures};

#[tokio::test]
async fn what_is_half_written_is_waited_for() {
    let mut world = World::new();
    world.look().await;
    world.put("inbox/a.json", &QUESTION[..10]);
    let looked = world.look_after(4).await;
    assert!(looked.unsettled && looked.refused.is_empty(), "{looked:?}");
    world.put("inbox/a.json", QUESTION);
    assert_eq!(world.look().await.asked, [DecisionId(1)]);

    // Being rewritten is not going away; staying so is.
    world.put("inbox/a.json", "");
    assert_eq!(world.look_after(4).await.withdrawn, []);
    let looked = world.look_after(2).await;
    assert_eq!(
        (looked.withdrawn, looked.refused),
        (vec![DecisionId(1)], vec!["a.json".to_owned()])
    );
    assert_eq!(world.verdict("a.json")["state"], "refused");
}

#[tokio::test]
async fn what_is_wrong_is_refused_with_the_reason() {
    let mut refusals = String::new();
    for start in ["bad-", "policy-", "broken-", "twice-"] {
        for (name, bytes) in fixtures(start) {
            let mut world = World::new();
            world.put("inbox/x.json", &bytes);
            std::fs::write(world.temporary.path().join("secret.txt"), "secret").unwrap();
            let looked = world.look_after(6).await;
            assert_eq!(
                (looked.refused, world.count().await),
                (vec!["x.json".to_owned()], 0),
                "{name}"
            );
            assert!(!world.there("inbox/x.json"), "{name}");
            assert_eq!(std::fs::read(world.path("refused/x.json")).unwrap(), bytes, "{name}");
            let text = std::fs::read_to_string(world.path("refused/x.txt")).unwrap();
            assert!(
                text.starts_with("inbox/x.json was rejected.\n\n")
                    && text.contains("gander schema inbox"),
                "{text}"
            );
            let why = world.verdict("x.json")["reason"].as_str().unwrap().to_owned();
            assert!(text.contains(&why), "{text}");
            assert_eq!(world.look().await, InboxScan::default(), "{name}");
            refusals += &format!("{name}\n  {why}\n");
        }
    }
    insta::assert_snapshot!(refusals);
}

#[tokio::test]
async fn names_and_things_that_are_no_questions() {
    let mut world = World::new();
    world.look().await;
    for ignored in [".hidden.json", "note.txt", "a.json.tmp", "a.json~"] {
        world.put(&format!("inbox/{ignored}"), QUESTION);
    }
    assert_eq!(world.look_after(9).await, InboxScan::default());
    let odd = [
        "two words.json",
        "naïve.json",
        "a\nb.json",
        "semi;colon.json",
        &format!("{}.json", "x".repeat(200)),
    ];
    for name in odd {
        world.put(&format!("inbox/{name}"), QUESTION);
    }
    std::fs::create_dir(world.path("inbox/folder.json")).unwrap();
    world.put("inbox/huge.json", vec![b' '; (8 << 20) + 1]);
    let looked = world.look().await;
    assert_eq!(
        (looked.refused.len(), looked.troubles, world.count().await),
        (odd.len() + 2, Vec::new(), 0)
    );
    for name in odd.iter().chain(&["folder.json", "huge.json"]) {
        assert!(
            world.there(&format!("refused/{name}")) && !world.there(&format!("inbox/{name}")),
            "{name:?}"
        );
    }
    let said = |name: &str| world.verdict(name)["reason"].as_str().unwrap().to_owned();
    assert!(said("folder.json").contains("folder") && said("huge.json").contains("8388608 bytes"));
    // And once more under the same name, where a folder is in the way.
    world.put("inbox/folder.json", "[]");
    assert_eq!(world.look().await.refused, ["folder.json"]);
    assert!(world.there("refused/folder.1.json") && world.there("refused/folder.1.txt"));
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_pipes_are_refused_and_not_followed() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut world = World::new();
    world.look().await;
    std::fs::write(world.temporary.path().join("elsewhere.json"), QUESTION).unwrap();
    std::os::unix::fs::symlink("../../elsewhere.json", world.path("inbox/link.json")).unwrap();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(world.path("inbox/pipe.json"))
            .status()
            .unwrap()
            .success()
    );
    std::fs::write(world.path("inbox").join(std::ffi::OsStr::from_bytes(b"\xff.json")), QUESTION)
        .unwrap();
    // What is written goes nowhere else either.
    for trap in ["verdicts/.a.json.half", "verdicts/a.json", "refused/.refusal.half"] {
        std::os::unix::fs::symlink("../../elsewhere.json", world.path(trap)).unwrap();
    }
    world.put("inbox/a.json", QUESTION);
    let looked = world.look().await;
    assert_eq!((looked.refused.len(), looked.asked.len(), looked.troubles), (3, 1, Vec::new()));
    assert_eq!(
        std::fs::read_to_string(world.temporary.path().join("elsewhere.json")).unwrap(),
        QUESTION
    );
    assert!(std::fs::symlink_metadata(world.path("verdicts/a.json")).unwrap().is_file());
}

/// An agent exchanges what it dropped for links to files of Gander's user, while Gander reads.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exchanged_for_links_while_it_is_read_is_never_posted() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let mut world = World::new();
    world.look().await;
    std::fs::write(world.temporary.path().join("secret.txt"), "secret").unwrap();
    std::fs::create_dir(world.temporary.path().join("other")).unwrap();
    std::fs::write(world.temporary.path().join("other/shot.png"), "secret").unwrap();
    world.put("files/deep/shot.png", "picture");
    std::os::unix::fs::symlink("../../../secret.txt", world.path("files/deep/file")).unwrap();
    std::os::unix::fs::symlink("../../other", world.path("files/folder")).unwrap();
    let (done, files) = (AtomicBool::new(false), world.path("files"));
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    std::thread::scope(|scope| {
        let _done = Done(&done);
        scope.spawn(|| {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            while !done.load(Ordering::Relaxed) {
                for (one, other) in [("deep/shot.png", "deep/file"), ("deep", "folder")] {
                    let (one, other) = (files.join(one), files.join(other));
                    // After an odd number of exchanges the path leads elsewhere.
                    let _ = renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE);
                }
            }
        });
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                for number in 0..300 {
                    let question = format!(
                        r#"{{"title": "Deploy {number}?", "attachments": ["files/deep/shot.png"]}}"#
                    );
                    world.put(&format!("inbox/{number}.json"), question);
                    world.look().await;
                }
            });
        });
    });
    for decision in world.handle.approvals().list(gander::engine::Filter::default()).await.unwrap()
    {
        for file in &decision.request.attachments {
            assert_eq!(std::fs::read_to_string(&file.path).unwrap(), "picture");
        }
    }
}

/// A folder of the drop folder that becomes a link is a problem to report, and nothing is written
/// or moved through it.
#[cfg(unix)]
#[tokio::test]
async fn a_folder_exchanged_for_a_link_is_not_followed() {
    let mut world = World::new();
    world.look().await;
    let elsewhere = world.temporary.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    std::fs::write(elsewhere.join("a.json"), QUESTION).unwrap();
    for folder in ["inbox", "verdicts", "refused", "outcomes"] {
        let real = world.path(&format!("{folder}.real"));
        std::fs::rename(world.path(folder), &real).unwrap();
        std::os::unix::fs::symlink(&elsewhere, world.path(folder)).unwrap();
        if folder != "inbox" {
            world.put("inbox/b.json", if folder == "refused" { "[]" } else { QUESTION });
        }
        let looked = world.look_after(9).await;
        assert!(!looked.troubles.is_empty(), "{folder}: {looked:?}");
        let there: Vec<_> = std::fs::read_dir(&elsewhere).unwrap().collect();
        assert_eq!(there.len(), 1, "{folder}: {there:?}");
        std::fs::remove_file(world.path(folder)).unwrap();
        std::fs::rename(&real, world.path(folder)).unwrap();
    }
    world.put("inbox/b.json", QUESTION);
    assert_eq!(world.look_after(1).await.troubles, []);
}

#[cfg(unix)]
#[tokio::test]
async fn attached_files_are_kept_and_come_from_inside() {
    let mut world = World::new();
    world.look().await;
    world.put("files/shot.png", "picture");
    std::fs::write(world.temporary.path().join("secret.txt"), "secret").unwrap();
    std::os::unix::fs::symlink("../../secret.txt", world.path("files/innocent.txt")).unwrap();
    world.put("inbox/out.json", r#"{"title": "Deploy?", "attachments": ["files/innocent.txt"]}"#);
    world.put("inbox/a.json", r#"{"title": "Deploy?", "attachments": ["files/shot.png"]}"#);
    let looked = world.look().await;
    assert_eq!((looked.refused, looked.asked), (vec!["out.json".to_owned()], vec![DecisionId(1)]));
    let kept = world.get(1).await.request.attachments;
    assert_eq!(
        (kept[0].name.as_str(), std::fs::read(&kept[0].path).unwrap()),
        ("shot.png", b"picture".to_vec())
    );

    world.put("files/shot.png", "another picture");
    assert_eq!(world.look().await.revised, [DecisionId(1)], "another picture is another question");
    world.remove("files/shot.png");
    world.restart();
    assert_eq!(world.look().await, InboxScan::default(), "an agent may tidy up once it has asked");
}
