//! What the machine says, as it says it; and files and programs that do not count.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

const LOCKED: &str = "IdleHint=yes\nIdleSinceHint=1796055193399123\nActive=yes\nLockedHint=yes\n";
const OPEN: &str = "IdleHint=no\nIdleSinceHint=0\nActive=yes\nLockedHint=no\n";

fn file(folder: &Path, name: &str, mode: u32) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    file
}

#[test]
fn the_login_manager_is_understood_and_nothing_is_guessed() {
    let locked = session_state(LOCKED).unwrap();
    assert!(locked.is_locked && locked.is_active);
    let since = Time::from_timestamp_micros(1_796_055_193_399_123).unwrap();
    assert_eq!(locked.idle, Idle::Since(since));
    let open = session_state(OPEN).unwrap();
    assert_eq!((open.is_locked, open.is_active, open.idle), (false, true, Idle::No));
    for missing in ["Active", "LockedHint", "IdleHint"] {
        let less: Vec<&str> = OPEN.lines().filter(|line| !line.starts_with(missing)).collect();
        let less: Vec<&str> = less.into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(session_state(&less.join("\n")), None, "{missing}");
    }
    assert_eq!(session_state(&OPEN.replace("LockedHint=no", "LockedHint=maybe")), None);
    assert_eq!(session_state(&LOCKED.replace("1796055193399123", "x")), None);
    assert_eq!(session_state(""), None);
}

#[test]
fn idle_time_is_understood() {
    assert_eq!(idle_time("t 61000\n"), Some(TimeDelta::seconds(61)));
    for odd in ["", "u 61000", "t -1", "t x", "t 99999999999999999999"] {
        assert_eq!(idle_time(odd), None, "{odd}");
    }
}

#[test]
fn a_file_counts_where_only_its_owner_writes_and_no_agent_works() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let seen = |file: &Path| marker(file, &[workspace.path().to_owned()]);
    let untrusted = |fault| MarkerFile::Untrusted(fault);
    let good = file(folder.path(), "good", 0o600);
    assert!(matches!(seen(&good), MarkerFile::Written(_)));
    assert_eq!(seen(&folder.path().join("none")), MarkerFile::Missing);
    assert_eq!(seen(Path::new("desk")), untrusted(MarkerFault::Relative));
    assert_eq!(seen(&file(folder.path(), "open", 0o666)), untrusted(MarkerFault::WritableByOthers));
    assert_eq!(seen(folder.path()), untrusted(MarkerFault::NoPlainFile));
    let link = folder.path().join("link");
    symlink(&good, &link).unwrap();
    assert_eq!(seen(&link), untrusted(MarkerFault::NoPlainFile));
}

#[test]
fn a_file_in_the_agents_folder_does_not_count_by_whatever_way() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = folder.path().join("shop");
    let inner = workspace.join("state");
    std::fs::create_dir_all(&inner).unwrap();
    let forged = file(&inner, "desk", 0o600);
    let way = folder.path().join("way");
    symlink(&inner, &way).unwrap();
    let other = folder.path().join("other-name");
    symlink(&workspace, &other).unwrap();
    let fault = MarkerFile::Untrusted(MarkerFault::InWorkspace);
    let missing = inner.join("not-there-yet");
    let around = workspace.join("../shop/state/desk");
    for path in [&forged, &way.join("desk"), &other.join("state/desk"), &missing, &around] {
        assert_eq!(marker(path, std::slice::from_ref(&workspace)), fault, "{path:?}");
        assert_eq!(marker(path, std::slice::from_ref(&other)), fault, "{path:?}");
    }
}

#[test]
fn a_file_that_others_may_replace_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, std::fs::Permissions::from_mode(0o1777)).unwrap();
    let there = file(&shared, "desk", 0o600);
    assert_eq!(marker(&there, &[]), MarkerFile::Untrusted(MarkerFault::WritableByOthers));
}

fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let program = file(folder, name, 0o700);
    std::fs::write(&program, format!("#!/bin/sh\n{text}\n")).unwrap();
    program
}

#[tokio::test]
async fn a_command_says_so_by_its_status_with_nothing_of_the_agents_environment() {
    let folder = tempfile::tempdir().unwrap();
    let yes = script(folder.path(), "yes", "[ \"$PWD\" = / ] && [ -z \"$CARGO_MANIFEST_DIR\" ]");
    assert_eq!(command(&yes, &[], &[]).await, Ok(Reading::Command(Some(0))));
    let no = script(folder.path(), "no", "exit \"$1\"");
    assert_eq!(command(&no, &["1".to_owned()], &[]).await, Ok(Reading::Command(Some(1))));
    let killed = script(folder.path(), "killed", "kill -KILL $$");
    assert_eq!(command(&killed, &[], &[]).await, Ok(Reading::Command(None)));
    assert!(command(&folder.path().join("none"), &[], &[]).await.is_err());
    let in_workspace = command(&yes, &[], &[folder.path().to_owned()]).await;
    let fault = MarkerFile::Untrusted(MarkerFault::InWorkspace);
    assert_eq!(in_workspace, Ok(Reading::File(fault)));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_is_not_waited_for() {
    let hung = within(std::future::pending()).await;
    assert_eq!(hung, Reading::Unknown("no answer within 2 s".into()));
}

#[tokio::test]
async fn the_variables_file_counts_by_the_same_rules() {
    let folder = tempfile::tempdir().unwrap();
    let good = file(folder.path(), "good", 0o600);
    let scene = |file: Option<&Path>| Scene {
        folders: &[],
        claude_file: file.map(|file| file.as_os_str().to_owned()),
    };
    assert!(matches!(of_claude(&scene(Some(&good))), Reading::File(MarkerFile::Written(_))));
    assert!(matches!(of_claude(&scene(None)), Reading::Unknown(_)));
    let relative = of_claude(&scene(Some(Path::new("good"))));
    assert_eq!(relative, Reading::File(MarkerFile::Untrusted(MarkerFault::Relative)));
}
