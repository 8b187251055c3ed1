//! What holds the bot up in many places at once before it is killed, and how all ends.

use super::*;

/// What makes the store's lock fall between a request and its record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slow {
    Post,
    Edit,
    Nothing,
}

impl Scene {
    /// A bot comes, puts right what the last one left, is held up in many places at once, and is
    /// killed.
    pub(super) async fn live_and_die(&mut self, round: usize, hits: &mut Hits) {
        let bot = self.start().await;
        let before = std::mem::take(&mut self.recent);
        truth::settled(&self.sandbox, &self.store, Some(&before)).await;
        let mut open = self.open();
        for id in before.into_iter().filter(|id| !open.contains(id)) {
            if !self.attended.contains(&id) {
                self.attend(id);
                self.recent.push(id);
            }
        }
        self.recent.extend(&open);
        open.reverse();
        match self.chance.below(8) {
            0 => {
                self.hold_up(&bot, round, Slow::Nothing, &mut open).await;
                self.race(&bot, round, open.pop()).await;
            }
            n => {
                let slow = [Slow::Post, Slow::Edit, Slow::Nothing, Slow::Nothing]
                    [usize::try_from(n % 4).unwrap()];
                self.hold_up(&bot, round, slow, &mut open).await;
                self.lock_out(&bot, round, slow, &mut open).await;
            }
        }
        let Bot { program, since } = bot;
        let log = program.kill().await;
        let remains = Remains {
            sandbox: &self.sandbox,
            store: &self.store,
            journal: self.sandbox.journal(since),
            log,
        };
        let caught: Vec<_> = self.recent.iter().filter_map(|id| remains.interval(*id)).collect();
        hits.count(&caught);
        self.sandbox.clear_faults();
        if !self.lock.is_autocommit() {
            self.lock.execute_batch("ROLLBACK").unwrap();
        }
    }

    /// Brings one decision each as far as it gets: its card is not posted, or posted unheard; its
    /// verdict is not answered; its card is not edited, or edited unheard.
    async fn hold_up(&mut self, bot: &Bot, round: usize, slow: Slow, open: &mut Vec<DecisionId>) {
        let [first, second] = PROJECTS[round % 2];
        self.fault("POST", &self.messages_of(first), Effect::HoldRequest);
        let id = self.ask(first).await;
        bot.says("intent recorded", id).await;
        if slow != Slow::Post {
            let path = self.messages_of(second);
            self.fault("POST", &path, unheard());
            self.ask(second).await;
            self.unheard(bot, &path).await;
        }
        if let Some(id) = open.pop() {
            self.edit(bot, id, Effect::HoldRequest).await;
        }
        if slow != Slow::Edit
            && let Some(id) = open.pop()
        {
            if !self.attended.contains(&id) && self.chance.one_in(2) {
                let deciding = self.reach_for_card(id).await;
                self.decides_with(bot, deciding, id, unheard()).await;
                self.unheard(bot, CALLBACK).await;
            } else {
                let edit = format!("/messages/{}", self.card(id).id());
                self.edit(bot, id, unheard()).await;
                self.unheard(bot, &edit).await;
            }
        }
    }

    /// Leaves a verdict without its answer, takes the store's lock right after a question, and lets
    /// somebody click.
    async fn lock_out(&mut self, bot: &Bot, round: usize, slow: Slow, open: &mut Vec<DecisionId>) {
        let [first, second] = PROJECTS[round % 2];
        let edited = if slow == Slow::Edit { open.pop() } else { None };
        let last = match (!open.is_empty()).then(|| open.remove(0)) {
            Some(id) => Some((id, self.reach_for_card(id).await)),
            None => None,
        };
        if let Some(id) = open.pop() {
            let deciding = self.reach_for_card(id).await;
            self.decides_with(bot, deciding, id, Effect::HoldRequest).await;
        }
        let mut until = None;
        if slow == Slow::Post {
            self.fault("POST", &self.messages_of(second), slowly());
            let id = self.file(second).await;
            self.recent.push(id);
            bot.says("intent recorded", id).await;
            until = Some(("card posted", id));
        } else if let Some(id) = edited {
            self.edit(bot, id, slowly()).await;
            until = Some(("card edited", id));
        }
        let id = self.file(first).await;
        self.lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.recent.push(id);
        if let Some((id, deciding)) = last {
            let times = deciding.times();
            self.people.spawn(deciding.done());
            bot.says_for_the(times, "click received", id).await;
        }
        if let Some((words, id)) = until {
            // It may not come, as above.
            let _ = tokio::time::timeout(AT_ONCE, bot.says(words, id)).await;
        }
    }

    /// Nothing is held up: whoever is faster, the kill or the bot.
    async fn race(&mut self, bot: &Bot, round: usize, open: Option<DecisionId>) {
        let steps = [
            "intent recorded",
            "card posted",
            "click received",
            "done on Discord",
            "callback answered",
        ];
        match (usize::try_from(self.chance.below(5)).unwrap(), open) {
            (step @ 2.., Some(id)) => {
                let deciding = self.reach_for_card(id).await;
                let times = if step == 2 { deciding.times() } else { 1 };
                self.people.spawn(deciding.done());
                bot.says_for_the(times, steps[step], id).await;
            }
            (step, _) => {
                let id = self.file(PROJECTS[round % 2][1]).await;
                self.recent.push(id);
                bot.says(steps[step.min(1)], id).await;
            }
        }
    }

    fn messages_of(&self, project: &str) -> String {
        let channel = if project == "default" { "decisions" } else { project };
        format!("/channels/{}/messages", self.sandbox.addresses().channel_id(channel).unwrap())
    }

    /// Everything is answered, every agent is told. How many decisions there were.
    pub(super) async fn come_to_an_end(&mut self) -> usize {
        truth::settled(&self.sandbox, &self.store, None).await;
        for id in self.open() {
            let outcome = self.reach_for_card(id).await.done().await;
            assert!(outcome.ok, "{outcome:?}");
        }
        let all: Vec<_> = self
            .store
            .decisions()
            .list(&Filter::default())
            .unwrap()
            .into_iter()
            .map(|decision| decision.id)
            .collect();
        for id in &all {
            self.attend(*id);
        }
        while let Some(told) = self.agents.join_next().await {
            let (id, told) = told.unwrap();
            self.must_be_told_the_truth(id, &told);
        }
        truth::settled(&self.sandbox, &self.store, None).await;
        for id in &all {
            assert_eq!(truth::must_be_decided_once(&self.store, *id), 1, "{id}: told once");
        }
        truth::must_be_whole(&self.store);
        all.len()
    }

    fn must_be_told_the_truth(&self, id: DecisionId, told: &Ended) {
        let State::Resolved(resolved) = self.store.decisions().get(id).unwrap().unwrap().state
        else {
            panic!("{id} has no verdict")
        };
        let by = &resolved.by.name;
        let (expected, status, words) = if must_be_rejected(id) {
            let reason = reason(id);
            let words = format!("rejected by {by}: {reason}");
            (Verdict::Rejected { reason }, 1, words)
        } else {
            (Verdict::approved(), 0, format!("approved by {by}"))
        };
        assert_eq!(resolved.verdict, expected, "{id}");
        told.must(status, &[&words]);
    }
}
