//! What a gate brings to a person, answered in a browser on a desktop and on a phone, with pictures
//! to look at: a question with options, a plan, a changed command, a grant, a changed script.
//!
//! Needs Chromium and chromedriver, as `demo_page.rs` does; the pictures are in `screenshots` in
//! the target folder.

use chrono::TimeDelta;
use gander::core::decision::{Decision, DecisionId, ScriptContent};
use gander::core::gate::ToolCall;
use gander::core::gate::facts::{Coverage, Facts, GitRepository, RunFile};
use gander::core::messaging::batch::Batching;
use gander::core::policy::approval_guard::Guard;
use gander::core::policy::rules::Rules;
use gander::engine::approvals::gates::GateOutcome;
use gander::engine::clock::wall_time;
use page_browser::fantoccini::key::Key;
use page_browser::{Browser, DESKTOP, Device, PHONE, Page};
use serde_json::json;

use crate::bot::{Bot, approvers, id};
use crate::common::process::sandbox;
use crate::edits::{self, call, gate, run};
use crate::questions;

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_on_a_desktop() {
    drawn_on(Device { height: 1100, ..DESKTOP }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_on_a_phone() {
    drawn_on(Device { height: 1200, ..PHONE }).await;
}

async fn drawn_on(device: Device) {
    let Some(browser) = Browser::start(device).await else { return };
    let sandbox = sandbox().await;
    let rules = Rules {
        approvers: approvers(&sandbox),
        batching: Batching::off(),
        guard: Guard::off(),
        ..Rules::default()
    };
    // Everything happens a while ago: of a grant's hour, the page shows what is left.
    let bot = Bot::start_at(sandbox, rules, wall_time() - TimeDelta::minutes(25)).await;
    bot.handle.set_gate_rules(edits::rules(&bot));
    browser
        .visit(async move |page| {
            let scene = Scene { bot, page };
            scene.question().await;
            scene.several_questions().await;
            scene.plan().await;
            scene.edited_command().await;
            scene.edited_file().await;
            scene.grant().await;
            scene.script().await;
        })
        .await;
}

/// A message that one person alone sees.
const PRIVATE: &str = "//li[@data-ephemeral='true']";
const FORM: &str = "//dialog[@open][@data-testid='modal']";
const FORM_TEXT: &str = "//dialog[@open][@data-testid='modal']//textarea";
const COMPOSER: &str = "//textarea[@data-testid='composer']";

/// Maya before her browser, and the agents' side.
struct Scene {
    bot: Bot,
    page: Page,
}

/// A message with a decision, as the page shows it.
struct Card {
    decision: DecisionId,
    message: String,
}

impl Card {
    fn with(&self, more: &str) -> String {
        format!("//li[@data-message-id='{}']{more}", self.message)
    }

    fn button(&self, verb: &str) -> String {
        self.with(&format!("//button[contains(@data-custom-id, ':{verb}:')]"))
    }
}

fn private(more: &str) -> String {
    format!("({PRIVATE}{more})[last()]")
}

fn button(verb: &str) -> String {
    private(&format!("//button[contains(@data-custom-id, ':{verb}')]"))
}

impl Scene {
    /// An agent's call, asked anew if `since` was approved, and its card in view.
    async fn asked(&self, call: ToolCall, since: Option<&Card>) -> Card {
        let since = since.map(|card| card.decision);
        let outcome = gate(&self.bot, call, since).await;
        let GateOutcome::Asked(decision) = outcome else { panic!("not asked: {outcome:?}") };
        let card = self.bot.card(decision.id, "is there", |_| true).await;
        let card = Card { decision: decision.id, message: id(&card).to_owned() };
        let page = &self.bot.sandbox.addresses().page;
        self.page.open(page, "maya", "web-shop").await;
        self.page.see(&card.with("")).await;
        card
    }

    /// Waits until a card says this, and takes a picture of it.
    async fn shot_of(&self, card: &Card, says: &str, name: &str) {
        self.page.see(&card.with(&format!("[contains(., '{says}')]"))).await;
        self.page.scroll_to(&card.message).await;
        self.page.shot("gate", name).await;
    }

    /// The same of the newest message that one person alone sees.
    async fn shot_of_private(&self, says: &str, name: &str) {
        let xpath = private(&format!("[contains(., '{says}')]"));
        let message = self.page.with(&xpath, async |it| it.attr("data-message-id").await).await;
        self.page.scroll_to(&message.unwrap()).await;
        self.page.shot("gate", name).await;
    }

    /// Opens the menu of the newest message that one person alone sees.
    async fn open_menu(&self, shot: Option<&str>) {
        self.page.click(&private("//*[@data-testid='select']")).await;
        self.page.see("//dialog[@open]//*[@data-testid='option']").await;
        if let Some(name) = shot {
            self.page.shot("gate", name).await;
        }
    }

    async fn choose(&self, option: &str) {
        let option = format!(
            "//dialog[@open]//*[@data-testid='option'][contains(normalize-space(.), '{option}')]"
        );
        self.page.click(&option).await;
    }

    /// Writes into the form that is open, in place of what it says.
    async fn fill(&self, text: &str, shot: &str) {
        self.page.with(FORM_TEXT, async |field| field.clear().await).await;
        self.page.write(FORM_TEXT, text).await;
        self.page.shot("gate", shot).await;
        self.page.click(&format!("{FORM}//*[@data-testid='modal-submit']")).await;
    }

    async fn now(&self, card: &Card) -> Decision {
        self.bot.handle.approvals().get(card.decision).await.unwrap()
    }

    async fn claim(&self, card: &Card) {
        self.bot.handle.approvals().claim(card.decision).await.unwrap();
    }

    /// Types a slash command.
    async fn command(&self, name: &str) {
        let enter = char::from(Key::Enter).to_string();
        self.page.write(COMPOSER, &format!("/{name}")).await;
        self.page.see(&format!("//*[@role='option'][@data-command='{name}']")).await;
        self.page.write(COMPOSER, &enter).await;
        self.page.write("//*[@data-testid='command-form']", &enter).await;
    }

    /// Four options, and an answer that is none of them.
    async fn question(&self) {
        let card = self.asked(questions::libraries(), None).await;
        self.shot_of(&card, "Which library", "question-1-card").await;
        self.page.click(&card.button("answer")).await;
        self.fill("icu4x, for the translations", "question-2-form").await;
        self.shot_of(&card, "✅ Answered", "question-3-answered").await;
        self.claim(&card).await;
        let chosen = self.asked(questions::libraries(), None).await;
        self.page.click(&chosen.button("choose-1")).await;
        self.shot_of(&chosen, "✅ Chosen", "question-4-chosen").await;
    }

    async fn several_questions(&self) {
        let card = self.asked(questions::two(), None).await;
        self.shot_of(&card, "2 questions", "questions-1-card").await;
        self.page.click(&card.button("questions")).await;
        self.shot_of_private("question 1 of 2", "questions-2-first").await;
        self.open_menu(Some("questions-3-menu")).await;
        self.choose("Toolbar").await;
        self.page.see(&private("[contains(., 'question 2 of 2')]")).await;
        self.open_menu(None).await;
        self.choose("CSV").await;
        self.choose("PDF").await;
        self.page.click("//dialog[@open]//*[@data-testid='select-done']").await;
        self.page.click(&button("qwrite-1")).await;
        self.fill("and XLSX, one day", "questions-4-form").await;
        self.shot_of_private("Your answers", "questions-5-all").await;
        self.page.click(&button("submit-")).await;
        self.shot_of(&card, "✅ Answered", "questions-6-answered").await;
    }

    async fn plan(&self) {
        let steps: Vec<String> = (1..=30).map(|n| format!("{n}. Move module {n}")).collect();
        let plan = format!(
            "# Split the shop into two crates\n\nToday, the shop is one crate of 40,000 lines, \
             and each build takes four minutes.\n\n## Steps\n\n{}\n\n## Risks\n\nNone.\n",
            steps.join("\n")
        );
        let exit = |plan: &str| {
            let file = "/home/maya/.claude/plans/brisk-otter.md";
            call("ExitPlanMode", json!({ "plan": plan, "planFilePath": file }))
        };
        let card = self.asked(exit(&plan), None).await;
        self.shot_of(&card, "Split the shop", "plan-1-card").await;
        self.page.click(&card.button("reject")).await;
        let why = "Leave module 7 where it is: the billing imports it.\nAnd name the risks.";
        self.fill(why, "plan-2-what-to-change").await;
        self.shot_of(&card, "❌ Rejected", "plan-3-refused").await;
        // Approved, but the agent changed its file before it carried it out.
        let card = self.asked(exit(&plan.replace("None.", "Billing.")), None).await;
        self.page.click(&card.button("approve")).await;
        self.page.see(&card.with("[contains(., '✅ Approved')]")).await;
        self.claim(&card).await;
        self.bot.handle.gates().record_plan_changed(card.decision).await;
        self.shot_of(&card, "did not run", "plan-4-did-not-run").await;
    }

    async fn edited_command(&self) {
        let card = self.asked(run("git push origin main"), None).await;
        self.shot_of(&card, "git push origin main", "edit-1-card").await;
        self.page.click(&card.button("edit")).await;
        self.fill("git push origin draft", "edit-2-form").await;
        self.shot_of_private("Nothing is decided yet", "edit-3-change").await;
        self.page.click(&button("edited-")).await;
        self.shot_of(&card, "✅ Approved with a change", "edit-4-approved").await;
        self.claim(&card).await;
    }

    async fn edited_file(&self) {
        let text = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      \
                    - run: cargo test\n      - run: ./publish --token-from-environment --all\n";
        let write = json!({ "file_path": ".github/workflows/ci.yml", "content": text });
        let card = self.asked(call("Write", write), None).await;
        self.shot_of(&card, "ci.yml", "edit-5-file").await;
        self.page.click(&card.button("edit")).await;
        let changed = text.lines().take(6).collect::<Vec<_>>().join("\n");
        self.fill(&changed, "edit-6-file-form").await;
        self.shot_of_private("Nothing is decided yet", "edit-7-file-change").await;
        self.page.click(&button("edited-")).await;
        self.shot_of(&card, "✅ Approved with a change", "edit-8-file-approved").await;
        self.claim(&card).await;
    }

    async fn grant(&self) {
        let known = |command: &str| {
            let (coverage, git) = (Coverage::Complete, GitRepository::Own);
            ToolCall { facts: Facts { coverage, git, ..Facts::default() }, ..run(command) }
        };
        let card = self.asked(known("git push origin main"), None).await;
        self.shot_of(&card, "git push", "grant-1-card").await;
        self.page.click(&card.button("ask-grant")).await;
        self.shot_of_private("without asking", "grant-2-scopes").await;
        self.open_menu(Some("grant-3-menu")).await;
        self.choose("C · for 1h").await;
        self.page.see(&private("[contains(., 'approved for 1h')]")).await;
        self.claim(&card).await;
        self.page.see(&card.button("end")).await;
        self.shot_of(&card, "✅ Approved for 1h", "grant-4-card").await;
        let passes = gate(&self.bot, known("git push origin feature"), None).await;
        assert!(matches!(passes, GateOutcome::Allowed(_)), "{passes:?}");
        self.command("grants").await;
        self.shot_of_private("1 grant lets calls through", "grant-5-list").await;
        self.page.click(&button("end-listed:")).await;
        self.shot_of_private("Ended", "grant-6-ended").await;
        self.shot_of(&card, "⏹️ Approval for 1h ended", "grant-7-card").await;
        // Another, until its time is over.
        let card = self.asked(known("git push origin main --tags"), None).await;
        self.page.click(&card.button("ask-grant")).await;
        self.open_menu(None).await;
        self.choose("A · for 1h").await;
        self.page.see(&private("[contains(., 'approved for 1h')]")).await;
        self.claim(&card).await;
        self.bot.advance(TimeDelta::hours(1));
        self.shot_of(&card, "its time is over", "grant-8-time-is-over").await;
    }

    async fn script(&self) {
        let sync = |text: &str, digest: &str| {
            let digest = digest.repeat(16);
            let found = RunFile::Found(ScriptContent::Text { digest, text: text.into() });
            let runs = [("/home/maya/shop/sync.sh".into(), found)].into();
            let facts = Facts { coverage: Coverage::Complete, runs, ..Facts::default() };
            ToolCall { facts, ..run("./sync.sh staging") }
        };
        let text = "#!/bin/sh\nset -e\ncargo build --release\nscp target/release/shop \"$1\":\n\
                    ssh \"$1\" systemctl restart shop\n";
        let card = self.asked(sync(text, "7c1e"), None).await;
        self.shot_of(&card, "sync.sh", "script-1-card").await;
        self.page.click(&card.button("details")).await;
        self.shot_of_private("Files that it runs", "script-2-details").await;
        self.page.click(&card.button("approve")).await;
        self.page.see(&card.with("[contains(., '✅ Approved')]")).await;
        self.claim(&card).await;
        let changed = text.replace("scp target/release/shop", "scp -r target/release ~/.ssh");
        let anew = self.asked(sync(&changed, "d09b"), Some(&card)).await;
        self.shot_of(&anew, "changed after", "script-3-asked-anew").await;
        self.shot_of(&card, "did not run", "script-4-did-not-run").await;
        assert!(self.now(&anew).await.state.is_open());
    }
}
