//! Links, pipes and endless files in the place of the files that the program opens.

use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::process::{Home, Program, sandbox};

fn fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

/// A home with a store that has one decision.
async fn asked() -> Home {
    let home = Home::new();
    home.run(&["ask", "Deploy?"]).await.must(0, &[]);
    home
}

#[tokio::test]
async fn a_pipe_or_an_endless_file_is_refused_at_once() {
    let home = asked().await;
    for number in 0..3 {
        for file in [home.config(), home.path().join("gates.toml"), home.work().join("gander.toml")]
        {
            let before = std::fs::read(&file).ok();
            let _ = std::fs::remove_file(&file);
            match number {
                0 => fifo(&file),
                1 => symlink("/dev/zero", &file).unwrap(),
                _ => std::fs::write(&file, vec![b'#'; (4 << 20) + 1]).unwrap(),
            }
            let args: &[&str] = if file.ends_with("gates.toml") {
                &["gate", "status"]
            } else {
                &["ask", "Deploy again?"]
            };
            let ended = home.run(args).await;
            assert_ne!(ended.code, Some(0), "{}: {}", file.display(), ended.out);
            let why = ["not a regular file", "is a link", "has more than"];
            let said = format!("{}{}", ended.out, ended.err);
            assert!(why.iter().any(|why| said.contains(why)), "{}: {said}", file.display());
            std::fs::remove_file(&file).unwrap();
            if let Some(before) = before {
                std::fs::write(&file, before).unwrap();
            }
        }
    }
    let pipe = home.work().join("pipe");
    fifo(&pipe);
    let path = pipe.to_str().unwrap();
    home.run(&["ask", "Deploy?", "--attach", path]).await.must(2, &["not a regular file"]);
    home.run(&["mcp", "--token-file", path]).await.must(2, &["not a regular file"]);
    home.run(&["ask", "Deploy?", "--attach", "/dev/zero"]).await.must(2, &["not a regular file"]);
    let args = ["show", "1", "--store", path];
    Program::start(home.bare(&args)).ended().await.must(70, &["not a regular file"]);
    let mut serve = home.gander(&["serve"]);
    serve.env("DISCORD_TOKEN_FILE", &pipe);
    Program::start(serve).ended().await.must(2, &["not a regular file"]);
}

/// The files beside the store: what lies there is not waited for, and nothing is written elsewhere.
#[tokio::test]
async fn links_and_pipes_beside_the_store_are_not_followed() {
    let home = asked().await;
    let secret = home.path().join("secret");
    std::fs::write(&secret, "a secret of somebody else").unwrap();
    let lock = home.path().join("gander.db.lock");
    fifo(&lock);
    home.run(&["status"]).await.must(0, &[]);
    std::fs::remove_file(&lock).unwrap();
    symlink(&secret, &lock).unwrap();
    home.run(&["status"]).await.must(0, &[]);
    let sandbox = sandbox().await;
    let bot = Program::start(home.serve(&sandbox)).ended().await;
    bot.must(1, &["cannot use the lock file", "it is a link"]);
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "a secret of somebody else");

    std::fs::remove_file(&lock).unwrap();
    // A file that an earlier version opened for writing, through a link.
    symlink(&secret, home.path().join("gander.db.pulse.new")).unwrap();
    let bot = home.serving(&sandbox).await;
    home.said_until(&["status"], |said| said.contains("connected")).await;
    drop(bot);
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "a secret of somebody else");
}

#[tokio::test]
async fn a_backup_is_not_written_through_a_link() {
    let home = asked().await;
    let picture = home.work().join("picture.png");
    std::fs::write(&picture, "a picture").unwrap();
    home.run(&["ask", "Deploy?", "--attach", picture.to_str().unwrap()]).await.must(0, &[]);
    let (secret, elsewhere) = (home.path().join("secret"), home.path().join("elsewhere"));
    std::fs::write(&secret, "a secret of somebody else").unwrap();
    std::fs::create_dir(&elsewhere).unwrap();
    let file = home.path().join("backup.db");
    let args = ["backup", file.to_str().unwrap(), "--force"];

    symlink("nowhere", &file).unwrap();
    home.run(&args[..2]).await.must(2, &["already exists"]);
    std::fs::remove_file(&file).unwrap();
    symlink(&secret, &file).unwrap();
    home.run(&args[..2]).await.must(2, &["already exists"]);
    let folder = home.path().join("backup.db.files");
    symlink(&elsewhere, &folder).unwrap();
    home.run(&args).await.must(1, &["it is a link"]);
    std::fs::remove_file(&folder).unwrap();
    home.run(&args).await.must(0, &["checked and sound", "1 file is in"]);
    assert!(file.symlink_metadata().unwrap().is_file(), "the link was replaced");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "a secret of somebody else");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0);

    // What is pruned is removed from the store's own folder, and from no other.
    let files = home.path().join("gander.db.files");
    std::fs::remove_dir_all(&files).unwrap();
    symlink(&elsewhere, &files).unwrap();
    let old = elsewhere.join("old");
    std::fs::write(&old, "of somebody else").unwrap();
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1 << 30);
    std::fs::File::options().append(true).open(&old).unwrap().set_modified(long_ago).unwrap();
    let pruned = home.run(&["prune", "--older-than", "90d"]).await;
    assert!(old.exists() && pruned.code != Some(0), "{}{}", pruned.out, pruned.err);
}
