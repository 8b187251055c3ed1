//! `gander audit`: verifies the hash-chained log, and exports the log for others to verify.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Common, Exit, Failure, Outcome, output};
use crate::store::chain::{Entry, Fault, Walk};

#[derive(Debug, Args)]
pub(super) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify the hash chain, replay every decision, check the file. Exit status: 0 sound, 1 not
    #[command(after_help = PROVES)]
    Verify {
        /// Verify a file written by `gander audit export`, instead of the store
        #[arg(long, value_name = "FILE")]
        export: Option<PathBuf>,
    },
    /// Print the log as lines of JSON, verifiable without Gander
    #[command(after_help = RECIPE)]
    Export {
        /// Print only entries after this position of the log
        #[arg(long, default_value_t = 0, value_name = "POSITION")]
        since: u64,
    },
}

const PROVES: &str = "\
The chain proves that no event before its head was changed, removed or put in, as long as the head is what it was: note the last \
line (or an export) where nobody who can write the store can write, and compare. It does not prove that the head is the one \
you knew, that no later events were cut off, or that the first writer told the truth: who can write the file can write a new \
chain.";

const RECIPE: &str = "\
Each line has seq, at (milliseconds since 1970, UTC), decision, previous, body, text, digest, hash.
  digest  SHA-256 of text, the long part of the event; null without one. It stays when the text is pruned (text: null)
  hash    SHA-256 of these six, joined by line feeds, without one at the end:
          previous, seq, at, decision, digest (empty for null), body
  and previous is the hash of the line before (empty in the first line of the log).
All in UTF-8, hashes in lower-case hexadecimal, numbers in decimal, strings as they are after JSON is undone. In Python:
  import hashlib, json, sys
  sha = lambda text: hashlib.sha256(text.encode()).hexdigest()
  last = None
  for e in map(json.loads, sys.stdin):
      parts = e['previous'], e['seq'], e['at'], e['decision'], e['digest'] or '', e['body']
      assert sha('\\n'.join(map(str, parts))) == e['hash'], e['seq']
      assert e['text'] is None or sha(e['text']) == e['digest'], e['seq']
      assert last is None or (last['hash'], last['seq'] + 1) == (e['previous'], e['seq']), e['seq']
      last = e
  print('holds to', last['seq'], last['hash'])";

/// Entries per read.
const PAGE: usize = 500;

impl Audit {
    pub(super) async fn run(self, common: &Common) -> Outcome {
        match self.command {
            Command::Verify { export: Some(file) } => verify_export(&file, common.json),
            Command::Verify { export: None } => verify(common).await,
            Command::Export { since } => export(common, since).await,
        }
    }
}

async fn verify(common: &Common) -> Outcome {
    let opened = common.open_to_read()?;
    let audit = opened.handle.audit().await?;
    if common.json {
        let (words, advice) = (
            audit.fault.as_ref().map(ToString::to_string),
            audit.fault.as_ref().map(Fault::advice),
        );
        output::json(&json!({
            "sound": audit.fault.is_none(), "chain": audit.chain, "decisions": audit.replayed,
            "broken": audit.fault, "words": words, "advice": advice,
        }));
    } else {
        if let Some(chain) = &audit.chain {
            output::line(&format!(
                "The chain holds from the first event to the last, {}.",
                chain.seq
            ));
            if chain.pruned_decisions > 0 {
                let (events, decisions) = (chain.pruned_events, chain.pruned_decisions);
                output::line(&format!(
                    "{decisions} decisions were pruned: {events} events have lost their long part, and hold without it."
                ));
            }
        }
        match (&audit.fault, &audit.chain) {
            (Some(fault), _) => broken(fault),
            (None, chain) => {
                output::line(&format!(
                    "{} decisions stand as the log tells. The file is whole.",
                    audit.replayed
                ));
                output::line(&head(
                    chain.as_ref().map_or((0, ""), |chain| (chain.seq, chain.hash.as_str())),
                ));
            }
        }
    }
    Ok(if audit.fault.is_none() { Exit::Yes } else { Exit::No })
}

fn head((seq, hash): (u64, &str)) -> String {
    format!("head {seq} {}", if hash.is_empty() { "(the log is empty)" } else { hash })
}

fn broken(fault: &Fault) {
    output::line(&format!("BROKEN: {fault}.\n{}.", fault.advice()));
}

async fn export(common: &Common, since: u64) -> Outcome {
    let opened = common.open_to_read()?;
    let mut cursor = since;
    loop {
        let entries = opened.handle.entries(cursor, PAGE).await?;
        for entry in &entries {
            output::json(entry);
            cursor = entry.seq;
        }
        if entries.len() < PAGE {
            return Ok(Exit::Yes);
        }
    }
}

fn verify_export(file: &Path, as_json: bool) -> Outcome {
    let unreadable = |error: std::io::Error| {
        Failure::new(Exit::Usage, format!("--export {}: {error}", file.display()))
    };
    let lines = BufReader::new(std::fs::File::open(file).map_err(unreadable)?).lines();
    let (mut walk, mut first) = (None, 0);
    let mut found = Ok(());
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(unreadable)?;
        let entry: Entry = match serde_json::from_str(&line) {
            Ok(entry) => entry,
            Err(error) => {
                found = Err(Fault::Line { line: number, why: error.to_string() });
                break;
            }
        };
        let walk = walk.get_or_insert_with(|| {
            first = entry.seq;
            // The first event of the log has no predecessor, so the expected hash is empty.
            Walk::behind(
                entry.seq.saturating_sub(1),
                if entry.seq == 1 { "" } else { &entry.previous },
            )
        });
        found = walk.entry(&entry);
        if found.is_err() {
            break;
        }
    }
    match found.and_then(|()| walk.unwrap_or_default().end()) {
        Ok(walked) if as_json => {
            output::json(&json!({ "sound": true, "first": first, "chain": walked }))
        }
        Ok(walked) => {
            let pruned = match walked.pruned_events {
                0 => String::new(),
                events => format!(
                    " {events} of them have lost their long part to pruning, and hold without it."
                ),
            };
            output::line(&format!(
                "The chain of the export holds: {} events from {first} to {}.{pruned}",
                walked.events, walked.seq
            ));
            output::line(&head((walked.seq, &walked.hash)));
        }
        Err(fault) => {
            if as_json {
                output::json(
                    &json!({ "sound": false, "broken": fault, "words": fault.to_string(), "advice": fault.advice() }),
                );
            } else {
                broken(&fault);
            }
            return Ok(Exit::No);
        }
    }
    Ok(Exit::Yes)
}
