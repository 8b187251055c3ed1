//! Bots of the usual libraries go through a whole conversation on the sandbox: each is pointed at it
//! as `sandbox/README.md` says, and the test is the person on the other side. What works is the
//! table in that file. `SANDBOX_LIBRARIES` is the folder into which `install` put the libraries for
//! Python and JavaScript; without it their part is skipped aloud, or fails where
//! `GANDER_TEST_REQUIRE_TOOLS=1` asks for it. With `SANDBOX_UPDATE_TABLES=1` the table is written;
//! `SANDBOX_LIBRARY` names a single library to try.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails here")]
#![allow(clippy::print_stdout, reason = "what is skipped is said aloud")]
#![allow(
    clippy::print_stderr,
    reason = "bots tell what went wrong, as those of other languages do"
)]

mod bots;
mod clients;
mod features;
mod places;
mod resuming;
mod serenity_bot;
mod stage;
mod table;
mod twilight_bot;

use futures_util::future::join_all;

use bots::{BOTS, Bot};
use stage::Stage;
use table::{Cell, Column};

#[tokio::test(flavor = "multi_thread")]
async fn every_library_goes_through_a_whole_conversation() {
    let Some(libraries) = bots::libraries() else { return };
    let only = std::env::var("SANDBOX_LIBRARY").ok();
    let wanted = BOTS.iter().filter(|bot| only.as_ref().is_none_or(|only| only == bot.name));
    let columns = join_all(wanted.map(|bot| converse(bot, &libraries))).await;
    let unexpected: Vec<String> = columns.iter().flat_map(Column::unexpected).collect();
    assert!(unexpected.is_empty(), "{}", unexpected.join("\n"));
    if only.is_none() {
        table::check(&columns);
    }
}

/// Takes one library's bot through all features.
async fn converse(bot: &Bot, libraries: &std::path::Path) -> Column {
    let stage = match Stage::open(bot, libraries).await {
        Ok(stage) => stage,
        Err(error) => return Column::broken(bot, &error),
    };
    let mut cells = vec![("connect", Cell::Passed)];
    for feature in features::all() {
        let cell = match bot.lacks(feature.name) {
            Some(reason) => Cell::Lacks(reason),
            None => match feature.run(&stage).await {
                Ok(()) => Cell::Passed,
                Err(error) => Cell::Failed(error),
            },
        };
        cells.push((feature.name, cell));
    }
    let log = stage.close().await;
    Column { library: bot.name, cells, log }
}
