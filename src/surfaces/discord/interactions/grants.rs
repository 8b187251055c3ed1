//! Approves for longer, or for more than the call that was shown: asks the person who clicked what
//! to approve and for how long. Lists the grants that stand, with a button to end each.

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateButton, CreateEmbed, CreateEmbedFooter, CreateSelectMenu,
    CreateSelectMenuKind, CreateSelectMenuOption,
};

use super::custom_id::{Control, CustomId, DecisionAction};
use super::defer::with_menu;
use super::respond::Response;
use super::{Done, Press};
use crate::core::decision::authorization::Voter;
use crate::core::decision::{
    CallPattern, Decision, DecisionId, GrantSpan, GrantTerms, Revision, Verdict, Via,
};
use crate::engine::HandleError;
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::Bot;
use crate::surfaces::discord::rendering::render::{View, button};

/// Most entries of a menu (Discord).
const MOST_OPTIONS: usize = 25;
/// Grants per page of the list: two rows of buttons, and a third to turn the page.
const PAGE: usize = 8;
const IN_A_ROW: usize = 4;
/// Makes the ids of the buttons unique: Discord rejects a message with two equal `custom_id`s.
const PREVIOUS: u32 = 1;
const NEXT: u32 = 2;
const REFRESH: u32 = 3;
/// The colour of the list's edge.
const COLOUR: u32 = 0x58_65F2;

/// The value of a menu entry: the pattern's place in the revision that the person saw, and the
/// span.
fn value(decision: &Decision, terms: &GrantTerms) -> String {
    let patterns = patterns(decision);
    let covered = terms.pattern.as_ref();
    let place = covered.and_then(|covered| patterns.iter().position(|known| known == covered));
    let scope = place.map_or_else(|| "call".to_owned(), |place| place.to_string());
    let span = match terms.span {
        GrantSpan::Session => "session".to_owned(),
        GrantSpan::Seconds(seconds) => seconds.to_string(),
        GrantSpan::UntilRevoked => "revoked".to_owned(),
    };
    format!("{scope}.{span}")
}

/// The terms of a menu entry's value. `None`: the value is not of this decision.
fn terms(decision: &Decision, value: &str) -> Option<GrantTerms> {
    let (scope, span) = value.split_once('.')?;
    let pattern = match scope {
        "call" => None,
        place => Some(patterns(decision).get(place.parse::<usize>().ok()?)?.clone()),
    };
    let span = match span {
        "session" => GrantSpan::Session,
        "revoked" => GrantSpan::UntilRevoked,
        seconds => GrantSpan::Seconds(seconds.parse().ok()?),
    };
    Some(GrantTerms { span, pattern })
}

fn patterns(decision: &Decision) -> &[CallPattern] {
    decision.request.grantable.as_ref().map_or(&[], |call| call.patterns.as_slice())
}

/// The menu of what to approve and for how long. `verb` says what the choice answers with.
fn menu(
    decision: &Decision,
    offered: &[GrantTerms],
    tag: &str,
    verb: DecisionAction,
) -> CreateActionRow {
    let option = |terms: &GrantTerms| {
        let (label, description) = text::grant_option(decision, terms);
        CreateSelectMenuOption::new(label, value(decision, terms)).description(description)
    };
    let options = offered.iter().take(MOST_OPTIONS).map(option).collect();
    let id = CustomId::new(tag, Control::On(decision.id, decision.revision, verb)).to_string();
    let menu = CreateSelectMenu::new(id, CreateSelectMenuKind::String { options });
    CreateActionRow::SelectMenu(menu.placeholder(label::APPROVE_FOR))
}

impl Press<'_> {
    /// Offers what can be approved: in the clicked message if one person alone sees it, else in a
    /// private answer. Refuses at once a person who may not decide, and a decision that changed.
    pub(super) async fn ask_grant(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        voter: &Voter,
    ) -> Done {
        let decision = match bot.handle.approvers().may_decide(id, seen, voter).await {
            Ok(decision) => decision,
            Err(error) => {
                let act = Control::On(id, seen, DecisionAction::AskGrant);
                return self.explain_refusal(bot, voter, act, error).await;
            }
        };
        let offered = decision.longer_grants();
        if offered.is_empty() {
            return Done::words(text::no_longer_grant(id));
        }
        let notice = text::ask_grant(&decision, &offered);
        if self.is_private() {
            let view = self.card_again(bot, voter, &decision, notice);
            let menu = menu(&decision, &offered, &self.tag(bot), DecisionAction::Grant);
            return Done::answer(Response::Update(with_menu(view, menu)));
        }
        let menu = menu(&decision, &offered, bot.handle.tag(), DecisionAction::GrantAlone);
        Done::answer(Response::Private(View { rows: vec![menu], ..View::words(notice) }))
    }

    /// Approves on the chosen terms.
    pub(super) async fn grant(
        &self,
        bot: &Bot,
        id: DecisionId,
        seen: Revision,
        voter: &Voter,
    ) -> Result<Decision, HandleError> {
        let decision = bot.handle.approvers().may_decide(id, seen, voter).await?;
        // An entry that this decision does not have is refused like terms that are not offered.
        let none = GrantTerms { span: GrantSpan::Seconds(0), pattern: None };
        let terms = terms(&decision, self.input.text()).unwrap_or(none);
        let verdict = Verdict::granting(terms);
        bot.handle.approvals().resolve(id, seen, voter, Via::Discord, verdict).await
    }

    /// Ends a grant of the list, and shows the list again.
    pub(super) async fn end_listed(&self, bot: &Bot, id: DecisionId, voter: &Voter) -> Done {
        let notice = match bot.handle.grants().end(id, voter).await {
            Ok(decision) => {
                tracing::info!(decision = id.0, by = voter.person.name, "grant ended on Discord");
                text::you_ended(&decision)
            }
            Err(HandleError::Refused(decision, refused)) => {
                text::refused(&decision, &refused, bot.handle.time_scale())
            }
            Err(error) => {
                return self.not_done(bot, Control::Grants { page: 0, place: 0 }, error).await;
            }
        };
        Done::answer(Response::Update(bot.grants(voter, 0, Some(notice)).await))
    }
}

impl Bot {
    /// A page of the grants that this person may end. `notice`, the result of the last action, is
    /// shown above.
    pub(crate) async fn grants(&self, voter: &Voter, page: u32, notice: Option<String>) -> View {
        if !self.is_approver(voter) {
            return View::words(text::GRANTS_FOR_APPROVERS);
        }
        let found = match self.handle.grants().live(Some(voter)).await {
            Ok(found) => found,
            Err(error) => return View::words(text::store_failed(&error.to_string())),
        };
        let notice = notice.unwrap_or_default();
        if found.is_empty() {
            let words = [notice.as_str(), text::NO_GRANTS];
            let words = words.into_iter().filter(|words| !words.is_empty());
            return View::words(words.collect::<Vec<_>>().join("\n\n"));
        }
        let pages = found.len().div_ceil(PAGE);
        let page = usize::try_from(page).unwrap_or(0).min(pages - 1);
        let shown: Vec<&Decision> = found.iter().skip(page * PAGE).take(PAGE).collect();
        let time_scale = self.handle.time_scale();
        let line =
            |decision: &&Decision| Some(text::grant_line(decision, &decision.grant()?, time_scale));
        let lines: Vec<String> = shown.iter().filter_map(line).collect();
        let embed = CreateEmbed::new()
            .title(text::grants_title(found.len()))
            .description(lines.join("\n"))
            .colour(COLOUR)
            .footer(CreateEmbedFooter::new(text::grants_page(page + 1, pages)));
        let tag = self.handle.tag();
        let end = |decision: &&Decision| {
            let act = Control::On(decision.id, decision.revision, DecisionAction::EndListed);
            let id = CustomId::new(tag, act).to_string();
            button(id, ButtonStyle::Danger, &text::end_of(decision.id))
        };
        let ends: Vec<CreateButton> = shown.iter().map(end).collect();
        let rows = ends.chunks(IN_A_ROW).map(|row| CreateActionRow::Buttons(row.to_vec()));
        let rows = rows.chain([turn(page, pages, tag)]).collect();
        View { content: notice, embed: Some(embed), rows, ..View::default() }
    }
}

fn turn(page: usize, pages: usize, tag: &str) -> CreateActionRow {
    let to = |page: usize, place: u32, label: &str| {
        let page = u32::try_from(page).unwrap_or(0);
        let id = CustomId::new(tag, Control::Grants { page, place }).to_string();
        button(id, ButtonStyle::Secondary, label)
    };
    let mut buttons = Vec::new();
    if pages > 1 {
        let (back, on) = (page.saturating_sub(1), page + 1);
        buttons.push(to(back, PREVIOUS, label::PREVIOUS).disabled(page == 0));
        buttons.push(to(on, NEXT, label::NEXT).disabled(on == pages));
    }
    buttons.push(to(page, REFRESH, label::REFRESH));
    CreateActionRow::Buttons(buttons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Time;
    use crate::core::decision::{Grantable, Request, Terms};

    #[test]
    fn what_a_menu_says_is_read_again() {
        let pattern = |tool: &str| CallPattern::Tool { tool: tool.into() };
        let grantable = Grantable {
            root: "/home/maya/shop".into(),
            call: "0".into(),
            rule: None,
            patterns: vec![pattern("a"), pattern("b")],
        };
        let request = Request { grantable: Some(grantable), ..Request::default() };
        let decision = Decision::new(DecisionId(1), request, Terms::default(), Time::UNIX_EPOCH);
        for pattern in [None, Some(pattern("a")), Some(pattern("b"))] {
            for span in GrantSpan::OFFERED {
                let wanted = GrantTerms { span, pattern: pattern.clone() };
                assert_eq!(terms(&decision, &value(&decision, &wanted)), Some(wanted));
            }
        }
        for foreign in ["", "call", "2.session", "-1.session", "call.", "call.x", "0.3600.1"] {
            assert_eq!(terms(&decision, foreign), None, "{foreign}");
        }
    }
}
