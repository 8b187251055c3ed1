//! Draws cards and lists with Discord's embeds and components.

use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateAttachment, CreateButton,
    CreateEmbed, CreateEmbedFooter, CreateInteractionResponseFollowup,
    CreateInteractionResponseMessage, CreateMessage, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption, EditAttachments, EditInteractionResponse, EditMessage, MessageFlags,
};

use crate::core::decision::{Decision, Expects, Pending, Risk, State};
use crate::core::untrusted::only_own_links;
use crate::presentation::card::{Card, Tone};
use crate::presentation::text;
use crate::presentation::text::label;
use crate::surfaces::discord::connection::error::{Meaning, meaning};
use crate::surfaces::discord::interactions::custom_id::{Control, CustomId, DecisionAction};
use crate::surfaces::discord::interactions::edits::EditAction;
use crate::surfaces::discord::interactions::questions::QuestionAction;

/// The content of a message, to be created, edited or sent as an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// Sent without live links: Discord would show previews of them as the bot's own.
    pub(crate) content: String,
    pub(crate) embed: Option<CreateEmbed>,
    pub(crate) rows: Vec<CreateActionRow>,
    pub(crate) files: Vec<CreateAttachment>,
    /// Allowed mentions when the message is created; none by default. An edit never mentions.
    pub(crate) pings: CreateAllowedMentions,
    /// Whether the new message notifies nobody's phone or desktop.
    pub(crate) silent: bool,
    /// What to show instead of the card if Discord refuses the files.
    pub(crate) bare: Option<Box<Bare>>,
}

/// A card without its files, and with the buttons that remain.
#[derive(Debug, Clone)]
pub(crate) struct Bare {
    embed: Option<CreateEmbed>,
    rows: Vec<CreateActionRow>,
    /// The number of rows of the card with files. Rows below were added by others, and stay.
    instead_of: usize,
}

/// Values of the menu of times.
pub(crate) const DEFER_30M: &str = "30m";
pub(crate) const DEFER_2H: &str = "2h";
pub(crate) const DEFER_TOMORROW: &str = "tomorrow 09:00";
pub(crate) const DEFER_TYPED: &str = "typed";

const fn colour(tone: Tone) -> u32 {
    match tone {
        Tone::Waiting(Risk::Low) => 0x2E_CC71,
        Tone::Waiting(Risk::Medium) => 0xF1_C40F,
        Tone::Waiting(Risk::High) => 0xE6_7E22,
        Tone::Waiting(Risk::Critical) => 0xE7_4C3C,
        Tone::Breached => 0xFF_0033,
        Tone::Deferred => 0x5D_8AA8,
        Tone::Yes => 0x24_8046,
        Tone::No => 0xDA_373C,
        Tone::Over => 0x4E_5058,
        Tone::Figures => 0x58_65F2,
    }
}

/// A card with its buttons. The caller adds attached files.
pub(crate) fn card(card: &Card, decision: &Decision, tag: &str) -> View {
    with_rows(card, |card| controls(card, decision, tag))
}

/// A card with the rows of its message, which are drawn anew for the card without files.
pub(crate) fn with_rows(card: &Card, rows: impl Fn(&Card) -> Vec<CreateActionRow>) -> View {
    let view = View { rows: rows(card), ..plain_card(card) };
    let instead_of = view.rows.len();
    let bare = card
        .without_files
        .as_deref()
        .map(|bare| Box::new(Bare { embed: plain_card(bare).embed, rows: rows(bare), instead_of }));
    View { bare, ..view }
}

/// A card without buttons.
pub(crate) fn plain_card(card: &Card) -> View {
    let mut embed = CreateEmbed::new().colour(colour(card.tone));
    if !card.title.is_empty() {
        embed = embed.title(&card.title);
    }
    if !card.footer.is_empty() {
        embed = embed.footer(CreateEmbedFooter::new(&card.footer));
    }
    if !card.description.is_empty() {
        embed = embed.description(&card.description);
    }
    for field in &card.fields {
        embed = embed.field(&field.name, &field.value, field.inline);
    }
    let is_bare = card.title.is_empty() && card.description.is_empty() && card.fields.is_empty();
    View {
        content: card.headline.clone(),
        embed: (!is_bare).then_some(embed),
        files: texts(card),
        ..View::default()
    }
}

fn texts(card: &Card) -> Vec<CreateAttachment> {
    card.texts
        .iter()
        .map(|file| CreateAttachment::bytes(file.text.as_bytes(), &file.name))
        .collect()
}

fn controls(card: &Card, decision: &Decision, tag: &str) -> Vec<CreateActionRow> {
    match &decision.state {
        _ if !card.controls => Vec::new(),
        // No verdict from here reaches the agent.
        _ if decision.is_answered_at_desk_only() => over(decision, tag),
        State::Pending(_) | State::Deferred { .. } => deciding(decision, tag, card.approvable),
        State::Resolved(_) | State::Withdrawn { .. } => over(decision, tag),
    }
}

/// The buttons of a closed decision.
fn over(decision: &Decision, tag: &str) -> Vec<CreateActionRow> {
    let undo = match &decision.state {
        // Before the claim an undo takes the verdict back as well.
        State::Resolved(resolved) if resolved.claimed_at.is_none() => {
            Some(secondary(decision, tag, DecisionAction::Undo, label::UNDO))
        }
        State::Resolved(_) if decision.has_live_grant() => {
            Some(button(id_of(decision, tag, DecisionAction::End), ButtonStyle::Danger, label::END))
        }
        _ => None,
    };
    let details = secondary(decision, tag, DecisionAction::Details, label::EVERYTHING);
    vec![CreateActionRow::Buttons(undo.into_iter().chain([details]).collect())]
}

fn secondary(decision: &Decision, tag: &str, verb: DecisionAction, label: &str) -> CreateButton {
    button(id_of(decision, tag, verb), ButtonStyle::Secondary, label)
}

fn id_of(decision: &Decision, tag: &str, verb: DecisionAction) -> String {
    CustomId::new(tag, Control::On(decision.id, decision.revision, verb)).to_string()
}

/// Most buttons beside the verdicts that share a row.
const FEW_BUTTONS: usize = 4;

/// The verdicts and Defer in a row, everything else in a second, or in two: more buttons would be
/// scattered over a phone's lines. Options come first, in a row of their own.
fn deciding(decision: &Decision, tag: &str, approvable: bool) -> Vec<CreateActionRow> {
    let id = |verb| id_of(decision, tag, verb);
    let no = |label| button(id(DecisionAction::Reject), ButtonStyle::Danger, label);
    let (mut options, mut first) = (None, Vec::new());
    let (mut second, mut third) = (Vec::new(), Vec::new());
    match decision.request.expects {
        // Nobody approves what nobody can read.
        Expects::Approve if !approvable => first.push(no(label::REJECT)),
        Expects::Approve => {
            let yes =
                if decision.is_about_credentials() { label::IT_IS_THERE } else { label::APPROVE };
            first.push(button(id(DecisionAction::Approve), ButtonStyle::Success, yes));
            first.push(no(label::REJECT));
            second.extend(decision.offers_session().then(|| {
                secondary(decision, tag, DecisionAction::Session, label::APPROVE_SESSION)
            }));
            second.extend((!decision.longer_grants().is_empty()).then(|| {
                secondary(decision, tag, DecisionAction::AskGrant, label::APPROVE_LONGER)
            }));
            second.push(secondary(decision, tag, DecisionAction::Note, label::NOTE));
            third.extend(decision.offers_edit().then(|| {
                let edit = DecisionAction::Edit(EditAction::Open);
                secondary(decision, tag, edit, label::EDIT)
            }));
        }
        Expects::Answer => {
            let (verb, words) = if decision.request.is_walked_through() {
                (DecisionAction::Question(QuestionAction::Open), label::ANSWER_QUESTIONS)
            } else {
                (DecisionAction::Answer, label::ANSWER)
            };
            first.push(button(id(verb), ButtonStyle::Primary, words));
            first.push(no(label::REJECT));
        }
        Expects::Choose => {
            options = Some(choices(decision, tag));
            first.extend(
                decision
                    .request
                    .takes_other_answer()
                    .then(|| secondary(decision, tag, DecisionAction::Answer, label::OTHER_ANSWER)),
            );
            first.push(no(label::NONE_OF_THESE));
        }
    }
    first.push(secondary(decision, tag, DecisionAction::AskTime, label::DEFER));
    let taken = matches!(&decision.state, State::Pending(Pending { taken: Some(_), .. }));
    third.extend((!taken).then(|| secondary(decision, tag, DecisionAction::Take, label::TAKE)));
    third.push(secondary(decision, tag, DecisionAction::Details, label::EVERYTHING));
    if second.len() + third.len() <= FEW_BUTTONS {
        second.append(&mut third);
    }
    let mut rows: Vec<CreateActionRow> = options.into_iter().collect();
    let buttons = [first, second, third].into_iter().filter(|row| !row.is_empty());
    rows.extend(buttons.map(CreateActionRow::Buttons));
    // Hand-over only once a person has taken the decision: Discord allows five rows, and a private
    // copy adds a row of its own.
    rows.extend(taken.then(|| people(id(DecisionAction::HandOver))));
    rows
}

/// The menu of times to defer to. `verb` says what the choice answers with.
pub(crate) fn times(decision: &Decision, tag: &str, verb: DecisionAction) -> CreateActionRow {
    let times = [
        (label::DEFER_30M, DEFER_30M),
        (label::DEFER_2H, DEFER_2H),
        (label::DEFER_TOMORROW, DEFER_TOMORROW),
        (label::DEFER_TYPED, DEFER_TYPED),
    ];
    let options = times.map(|(label, value)| CreateSelectMenuOption::new(label, value)).to_vec();
    let menu =
        CreateSelectMenu::new(id_of(decision, tag, verb), CreateSelectMenuKind::String { options });
    CreateActionRow::SelectMenu(menu.placeholder(label::DEFER))
}

fn people(custom_id: String) -> CreateActionRow {
    let menu = CreateSelectMenu::new(custom_id, CreateSelectMenuKind::User { default_users: None });
    CreateActionRow::SelectMenu(menu.placeholder(label::HAND_OVER))
}

/// Options as buttons, or as a menu above 5 options (Discord: 5 buttons in a row).
fn choices(decision: &Decision, tag: &str) -> CreateActionRow {
    let numbered = (0_u32..).zip(&decision.request.options);
    if decision.request.options.len() <= 5 {
        let option = |(number, choice)| {
            button(
                id_of(decision, tag, DecisionAction::Choose(number)),
                ButtonStyle::Primary,
                &text::option_label(number, choice, 80).0,
            )
        };
        return CreateActionRow::Buttons(numbered.map(option).collect());
    }
    let option = |(number, choice): (u32, _)| {
        let (name, description) = text::option_label(number, choice, 100);
        let option = CreateSelectMenuOption::new(name, number.to_string());
        if description.is_empty() { option } else { option.description(description) }
    };
    let kind = CreateSelectMenuKind::String { options: numbered.map(option).collect() };
    let menu = CreateSelectMenu::new(id_of(decision, tag, DecisionAction::Pick), kind);
    CreateActionRow::SelectMenu(menu.placeholder(label::PICK))
}

/// A button with a label.
pub(crate) fn button(id: String, style: ButtonStyle, label: &str) -> CreateButton {
    CreateButton::new(id).style(style).label(label)
}

/// Allows no mentions. Without this field Discord would allow every mention in the text.
fn nobody() -> CreateAllowedMentions {
    CreateAllowedMentions::new()
}

impl View {
    /// Text only.
    pub(crate) fn words(content: impl Into<String>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// Removes the files and says so: the question matters more. Nothing else makes way for the
    /// notice, and no file is named that is not there.
    pub(crate) fn without_files(self) -> Self {
        let Some(bare) = self.bare else {
            let words = [self.content.as_str(), text::FILES_LEFT_OUT];
            let content = words.into_iter().filter(|words| !words.is_empty()).collect::<Vec<_>>();
            return Self { content: content.join("\n"), files: Vec::new(), ..self };
        };
        let rows = bare.rows.into_iter().chain(self.rows.into_iter().skip(bare.instead_of));
        Self {
            embed: bare.embed,
            rows: rows.collect(),
            files: Vec::new(),
            bare: None,
            content: self.content,
            pings: self.pings,
            silent: self.silent,
        }
    }

    /// The view for a message that keeps its files, of which it has this many.
    pub(crate) fn beside_files(self, attached: usize) -> Self {
        if attached == 0 && self.bare.is_some() { self.without_files() } else { self }
    }

    /// Sends the view; without its files if Discord refuses these.
    pub(crate) async fn send_with<T, F: Future<Output = serenity::Result<T>>>(
        self,
        send: impl Fn(Self) -> F,
    ) -> serenity::Result<T> {
        if self.files.is_empty() {
            return send(self).await;
        }
        match send(self.clone()).await {
            Err(error) if meaning(&error).0 == Meaning::Refused => {
                let why = meaning(&error).1;
                tracing::error!("Discord rejects a message's files: {why}; sending without files");
                send(self.without_files()).await
            }
            sent => sent,
        }
    }

    fn embeds(&self) -> Vec<CreateEmbed> {
        self.embed.iter().cloned().collect()
    }

    /// A new message.
    pub(crate) fn create(self) -> CreateMessage {
        let embeds = self.embeds();
        let message = if self.silent {
            CreateMessage::new().flags(MessageFlags::SUPPRESS_NOTIFICATIONS)
        } else {
            CreateMessage::new()
        };
        message
            .content(only_own_links(&self.content))
            .embeds(embeds)
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(self.pings)
    }

    /// An edit that keeps the message's files.
    pub(crate) fn edit(self) -> EditMessage {
        let embeds = self.embeds();
        EditMessage::new()
            .content(only_own_links(&self.content))
            .embeds(embeds)
            .components(self.rows)
            .allowed_mentions(nobody())
    }

    /// An edit that replaces the message's files.
    pub(crate) fn edit_with_files(mut self) -> EditMessage {
        let files = std::mem::take(&mut self.files);
        self.edit()
            .attachments(files.into_iter().fold(EditAttachments::new(), EditAttachments::add))
    }

    /// The first answer to an interaction.
    pub(crate) fn answer(self, private: bool) -> CreateInteractionResponseMessage {
        let embeds = self.embeds();
        CreateInteractionResponseMessage::new()
            .content(only_own_links(&self.content))
            .embeds(embeds)
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(nobody())
            .ephemeral(private)
    }

    /// The later answer to an acknowledged interaction.
    pub(crate) fn late_answer(self) -> EditInteractionResponse {
        let embeds = self.embeds();
        let edit = EditInteractionResponse::new()
            .content(only_own_links(&self.content))
            .embeds(embeds)
            .components(self.rows);
        self.files
            .into_iter()
            .fold(edit.allowed_mentions(nobody()), EditInteractionResponse::new_attachment)
    }

    /// An additional, private answer.
    pub(crate) fn follow_up(self) -> CreateInteractionResponseFollowup {
        let embeds = self.embeds();
        CreateInteractionResponseFollowup::new()
            .content(only_own_links(&self.content))
            .embeds(embeds)
            .components(self.rows)
            .files(self.files)
            .allowed_mentions(nobody())
            .ephemeral(true)
    }

    /// The private answer to a slash command.
    pub(crate) fn reply(self) -> poise::CreateReply {
        let reply = poise::CreateReply::default()
            .content(only_own_links(&self.content))
            .components(self.rows)
            .allowed_mentions(nobody())
            .ephemeral(true);
        let reply = self.files.into_iter().fold(reply, poise::CreateReply::attachment);
        self.embed.into_iter().fold(reply, poise::CreateReply::embed)
    }
}
