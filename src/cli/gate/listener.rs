//! Whether anybody still reads the gate's answer: an agent that ended leaves its gate behind, and
//! the gate must not take a verdict for it.

use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

/// Resolves once the reader of standard output has gone. Never resolves where the system does not
/// tell, such as for a file.
pub(super) async fn gone() {
    let (tell, told) = tokio::sync::oneshot::channel();
    let watch = move |output: OwnedFd| {
        if is_closed(&output, None) {
            // Nobody is told if the gate has ended meanwhile.
            let _ = tell.send(());
        }
    };
    // The thread waits for as long as the process lives: a hook's process is short.
    let watched = std::io::stdout().as_fd().try_clone_to_owned().and_then(|output| {
        std::thread::Builder::new().name("listener".into()).spawn(move || watch(output))
    });
    if watched.is_err() || told.await.is_err() {
        std::future::pending().await
    }
}

/// Waits until the other end of a pipe or socket is closed, at most for a time.
fn is_closed(output: &impl AsFd, limit: Option<&Timespec>) -> bool {
    // Errors and the end are reported even if nothing is asked for.
    let mut polled = [PollFd::new(output, PollFlags::empty())];
    loop {
        match poll(&mut polled, limit) {
            Err(Errno::INTR) => {}
            Err(_) | Ok(0) => return false,
            Ok(_) => return polled[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    fn is_closed_now(output: &impl AsFd) -> bool {
        is_closed(output, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))
    }

    #[test]
    fn a_pipe_or_socket_is_closed_with_its_reader() {
        let (reader, writer) = std::io::pipe().unwrap();
        assert!(!is_closed_now(&writer));
        let waits = std::thread::spawn(move || is_closed(&writer, None));
        drop(reader);
        assert!(waits.join().unwrap());

        let (reader, writer) = UnixStream::pair().unwrap();
        assert!(!is_closed_now(&writer));
        drop(reader);
        assert!(is_closed_now(&writer));
    }

    #[test]
    fn a_file_is_never_closed() {
        assert!(!is_closed_now(&tempfile::tempfile().unwrap()));
    }
}
