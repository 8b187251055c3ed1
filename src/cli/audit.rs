//! `gander audit`: verifies the hash-chained log, and exports the log for others to verify.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Common, Exit, Failure, Outcome, output};
use crate::disk;
use crate::store::chain::{ChainWalk, Entry, Fault};

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Verify the hash chain, replay every decision and job, check the file. Exit status: 0 sound,
    /// 1 not
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

const PROVES: &str = "The chain proves that no event before its head was changed, removed or \
    inserted, provided that the head is the original one: keep the last line (or an export) \
    where nobody with write access to the store can change it, and compare. The chain alone does \
    not prove that the head is the original one, that no later events were cut off, or that the \
    first writer told the truth: anyone who can write the file can write a new chain.";

const RECIPE: &str = "Each line has seq, at (milliseconds since 1970, UTC), decision (its \
number; or \"job 7\", or \"queue\"), previous, body, text, digest, hash.
  digest  SHA-256 of text, the long part of the event, or null. It remains when the \
text is pruned (text: null)
  hash    SHA-256 of these six values, joined by line feeds, without a trailing line feed:
          previous, seq, at, decision, digest (empty for null), body
  previous is the hash of the previous line (empty in the first line of the log).
Encoding: UTF-8, hashes in lower-case hexadecimal, numbers in decimal, strings after JSON \
decoding. In Python:
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

impl AuditArgs {
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
    let audit = opened.handle.operations().audit().await?;
    if common.json {
        let (words, advice) = (
            audit.fault.as_ref().map(ToString::to_string),
            audit.fault.as_ref().map(Fault::advice),
        );
        output::json(&json!({
            "sound": audit.fault.is_none(), "chain": audit.chain, "decisions": audit.replayed,
            "jobs": audit.jobs, "broken": audit.fault, "words": words, "advice": advice,
        }));
    } else {
        if let Some(chain) = &audit.chain {
            output::line(&format!(
                "The hash chain is intact from the first event to the last, {}.",
                chain.seq
            ));
            if chain.pruned_decisions > 0 {
                let (events, decisions) = (chain.pruned_events, chain.pruned_decisions);
                output::line(&format!(
                    "{decisions} decisions were pruned: {events} events have lost their long \
                     part, and remain verifiable."
                ));
            }
        }
        match (&audit.fault, &audit.chain) {
            (Some(fault), _) => broken(fault),
            (None, chain) => {
                let decisions = match audit.replayed {
                    1 => "1 decision matches".to_owned(),
                    count => format!("{count} decisions match"),
                };
                let jobs = match audit.jobs {
                    0 => String::new(),
                    1 => " 1 job matches the log.".to_owned(),
                    count => format!(" {count} jobs match the log."),
                };
                output::line(&format!("{decisions} the log.{jobs} The file is sound."));
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
        let entries = opened.handle.event_log().entries(cursor, PAGE).await?;
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
    let lines =
        BufReader::new(disk::open_argument(file).map_err(|error| unreadable(error.into()))?)
            .lines();
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
            ChainWalk::behind(
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
                    " {events} of them were pruned of their long part, and remain verifiable."
                ),
            };
            output::line(&format!(
                "The export's hash chain is intact: {} events from {first} to {}.{pruned}",
                walked.events, walked.seq
            ));
            output::line(&head((walked.seq, &walked.hash)));
        }
        Err(fault) => {
            if as_json {
                output::json(&json!({
                    "sound": false,
                    "broken": fault,
                    "words": fault.to_string(),
                    "advice": fault.advice(),
                }));
            } else {
                broken(&fault);
            }
            return Ok(Exit::No);
        }
    }
    Ok(Exit::Yes)
}
