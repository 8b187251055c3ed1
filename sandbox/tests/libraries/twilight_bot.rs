//! A bot of twilight that goes through all features of the test.

use std::sync::Arc;

use discord_sandbox::Addresses;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use twilight_gateway::{ConfigBuilder, Event, EventTypeFlags, Intents, Shard, ShardId, StreamExt};
use twilight_http::Client;
use twilight_http::client::InteractionClient;
use twilight_http::request::channel::reaction::RequestReactionType;
use twilight_model::application::interaction::application_command::{
    CommandData, CommandOptionValue,
};
use twilight_model::application::interaction::message_component::MessageComponentInteractionData;
use twilight_model::application::interaction::modal::{
    ModalInteractionComponent, ModalInteractionData,
};
use twilight_model::application::interaction::{Interaction, InteractionData};
use twilight_model::channel::message::Component;
use twilight_model::channel::message::component::ComponentType;
use twilight_model::gateway::payload::incoming::{MessageCreate, ReactionAdd};
use twilight_model::http::attachment::Attachment;
use twilight_model::http::interaction::{InteractionResponse, InteractionResponseType};
use twilight_model::id::Id;
use twilight_model::id::marker::{ApplicationMarker, ChannelMarker};
use twilight_model::user::User;

type Done<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const FEATURES: [&str; 15] = [
    "card", "form", "slow", "secret", "file", "dm", "history", "say", "reaction", "thread", "pin",
    "members", "roles", "label", "version2",
];

pub(crate) fn start(addresses: Addresses) -> JoinHandle<String> {
    tokio::spawn(async move {
        match run(addresses).await {
            Ok(()) => String::new(),
            Err(error) => error.to_string(),
        }
    })
}

async fn run(addresses: Addresses) -> Done {
    // Points twilight at the sandbox.
    let host = addresses.rest.trim_start_matches("http://").trim_end_matches("/api");
    let http =
        Client::builder().token(addresses.token.clone()).proxy(host.to_owned(), true).build();
    let intents = Intents::GUILDS
        | Intents::GUILD_MEMBERS
        | Intents::GUILD_MESSAGES
        | Intents::GUILD_MESSAGE_REACTIONS
        | Intents::DIRECT_MESSAGES
        | Intents::MESSAGE_CONTENT;
    let config = ConfigBuilder::new(addresses.token.clone(), intents)
        .proxy_url(addresses.gateway.clone())
        .build();
    let mut shard = Shard::with_config(ShardId::ONE, config);

    let bot = Arc::new(Bot { application: addresses.application_id.parse()?, addresses, http });
    while let Some(event) = shard.next_event(EventTypeFlags::all()).await {
        let event = match event {
            Ok(event) => event,
            Err(error) => {
                eprintln!("twilight: {error:?}");
                continue;
            }
        };
        let bot = Arc::clone(&bot);
        tokio::spawn(async move {
            if let Err(error) = bot.hear(event).await {
                eprintln!("twilight: {error:?}");
            }
        });
    }
    Ok(())
}

struct Bot {
    addresses: Addresses,
    http: Client,
    application: Id<ApplicationMarker>,
}

impl Bot {
    async fn hear(&self, event: Event) -> Done {
        match event {
            Event::Ready(_) => self.register().await,
            Event::InteractionCreate(event) => self.interact(event.0).await,
            Event::MessageCreate(message) => self.written(*message).await,
            Event::ReactionAdd(reaction) => self.reacted(*reaction).await,
            _ => Ok(()),
        }
    }

    fn interactions(&self) -> InteractionClient<'_> {
        self.http.interaction(self.application)
    }

    fn channel(&self, name: &str) -> Done<Id<ChannelMarker>> {
        Ok(self.addresses.channel_id(name).ok_or("no channel")?.parse()?)
    }

    async fn register(&self) -> Done {
        let option = serde_json::from_value(json!({
            "type": 3, "name": "feature", "description": "Which",
            "required": true, "autocomplete": true,
        }))?;
        self.interactions()
            .create_global_command()
            .chat_input("run", "Shows a feature")
            .command_options(&[option])
            .await?;
        Ok(())
    }

    async fn interact(&self, interaction: Interaction) -> Done {
        match &interaction.data {
            Some(InteractionData::ApplicationCommand(data)) => {
                self.use_command(&interaction, data).await
            }
            Some(InteractionData::MessageComponent(data)) => {
                self.use_component(&interaction, data).await
            }
            Some(InteractionData::ModalSubmit(data)) => self.submitted(&interaction, data).await,
            _ => Err("an interaction without data".into()),
        }
    }

    async fn use_command(&self, interaction: &Interaction, data: &CommandData) -> Done {
        match &data.options[0].value {
            CommandOptionValue::Focused(typed, _) => {
                let names = FEATURES.iter().filter(|name| name.starts_with(typed.as_str()));
                let choices: Vec<_> =
                    names.map(|name| json!({ "name": name, "value": name })).collect();
                self.answer(interaction, 8, json!({ "choices": choices })).await
            }
            CommandOptionValue::String(feature) => self.show(interaction, feature).await,
            other => Err(format!("an option {other:?}").into()),
        }
    }

    async fn show(&self, interaction: &Interaction, feature: &str) -> Done {
        let user = interaction.author().ok_or("nobody")?;
        match feature {
            "card" => self.answer(interaction, 4, card(user)).await,
            "form" => self.answer(interaction, 9, form()).await,
            "slow" => self.slow(interaction).await,
            "secret" => {
                self.answer(interaction, 4, json!({ "content": "hush", "flags": 64 })).await
            }
            "file" => self.file(interaction).await,
            "dm" => {
                let channel = self.http.create_private_channel(user.id).await?.model().await?;
                self.http.create_message(channel.id).content("psst").await?;
                self.say(interaction, "sent").await
            }
            "history" => {
                let shop = self.channel("web-shop")?;
                let messages = self.http.channel_messages(shop).limit(2).await?.models().await?;
                let contents = messages.into_iter().rev().map(|message| message.content);
                self.say(interaction, &contents.collect::<Vec<_>>().join(", ")).await
            }
            "say" => {
                self.defer(interaction).await?;
                let busy = self.channel("mobile-app")?;
                self.http.create_message(busy).content("said").await?;
                let interactions = self.interactions();
                interactions.update_response(&interaction.token).content(Some("said")).await?;
                Ok(())
            }
            "reaction" => self.react(interaction).await,
            "thread" => self.thread(interaction).await,
            "pin" => self.pin(interaction).await,
            "members" => self.members(interaction).await,
            "roles" => self.roles(interaction, user).await,
            "label" => self.answer(interaction, 9, label_form()).await,
            "version2" => self.answer(interaction, 4, layout()).await,
            other => Err(format!("no feature {other}").into()),
        }
    }

    async fn slow(&self, interaction: &Interaction) -> Done {
        self.defer(interaction).await?;
        let interactions = self.interactions();
        interactions.update_response(&interaction.token).content(Some("done")).await?;
        interactions.create_followup(&interaction.token).content("and more").await?;
        Ok(())
    }

    async fn file(&self, interaction: &Interaction) -> Done {
        self.defer(interaction).await?;
        let file = Attachment::from_bytes("hello.txt".to_owned(), b"hello".to_vec(), 1);
        let interactions = self.interactions();
        interactions.update_response(&interaction.token).attachments(&[file]).await?;
        Ok(())
    }

    async fn react(&self, interaction: &Interaction) -> Done {
        let channel = self.channel("decisions")?;
        let message = self.http.create_message(channel).content("react").await?.model().await?;
        let emoji = RequestReactionType::Unicode { name: "👍" };
        self.http.create_reaction(channel, message.id, &emoji).await?;
        self.say(interaction, "reacted").await
    }

    async fn thread(&self, interaction: &Interaction) -> Done {
        let channel = self.channel("decisions")?;
        let message = self.http.create_message(channel).content("a topic").await?.model().await?;
        let thread = self.http.create_thread_from_message(channel, message.id, "talk");
        let thread = thread.await?.model().await?;
        self.http.create_message(thread.id).content("in the thread").await?;
        self.say(interaction, thread.name.as_deref().unwrap_or_default()).await
    }

    async fn pin(&self, interaction: &Interaction) -> Done {
        let channel = self.channel("decisions")?;
        let message = self.http.create_message(channel).content("pinned").await?.model().await?;
        self.http.create_pin(channel, message.id).await?;
        let pins = self.http.pins(channel).await?.model().await?;
        let contents: Vec<_> = pins.items.into_iter().map(|pin| pin.message.content).collect();
        self.say(interaction, &contents.join(", ")).await
    }

    async fn members(&self, interaction: &Interaction) -> Done {
        let guild = interaction.guild_id.ok_or("no server")?;
        let members = self.http.guild_members(guild).limit(1000).await?.models().await?;
        let mut names: Vec<_> = members.into_iter().map(|member| member.user.name).collect();
        names.sort();
        self.say(interaction, &names.join(", ")).await
    }

    async fn roles(&self, interaction: &Interaction, user: &User) -> Done {
        let guild = interaction.guild_id.ok_or("no server")?;
        let roles = self.http.roles(guild).await?.models().await?;
        let role = roles.iter().find(|role| role.name == "Approvers").ok_or("no role")?;
        self.http.add_guild_member_role(guild, user.id, role.id).await?;
        let member = self.http.guild_member(guild, user.id).await?.model().await?;
        let names = roles.iter().filter(|role| member.roles.contains(&role.id));
        let names: Vec<_> = names.map(|role| role.name.as_str()).collect();
        self.http.remove_guild_member_role(guild, user.id, role.id).await?;
        self.say(interaction, &names.join(", ")).await
    }

    async fn use_component(
        &self,
        interaction: &Interaction,
        data: &MessageComponentInteractionData,
    ) -> Done {
        let user = interaction.author().ok_or("nobody")?;
        match (data.custom_id.as_str(), data.component_type) {
            ("go", ComponentType::Button) => {
                let content = format!("clicked by {}", user.name);
                self.answer(interaction, 7, json!({ "content": content })).await
            }
            ("menu", ComponentType::TextSelectMenu) => {
                let content = format!("chose {}", data.values[0]);
                let data = json!({ "content": content, "embeds": [], "components": [] });
                self.answer(interaction, 7, data).await
            }
            ("layout", ComponentType::Button) => self.say(interaction, "went").await,
            (id, kind) => Err(format!("no component {id} of {kind:?}").into()),
        }
    }

    async fn submitted(&self, interaction: &Interaction, data: &ModalInteractionData) -> Done {
        let mut values = Vec::new();
        for component in &data.components {
            let field = match component {
                ModalInteractionComponent::ActionRow(row) => &row.components[0],
                ModalInteractionComponent::Label(label) => &*label.component,
                other => return Err(format!("a field {other:?}").into()),
            };
            values.push(match field {
                ModalInteractionComponent::TextInput(input) => input.value.clone(),
                ModalInteractionComponent::StringSelect(select) => select.values[0].clone(),
                other => return Err(format!("a field {other:?}").into()),
            });
        }
        let content = match values.as_slice() {
            [name] => format!("Hello, {name}!"),
            [name, letter] => format!("{name} chose {letter}"),
            _ => return Err("too many fields".into()),
        };
        self.say(interaction, &content).await
    }

    async fn written(&self, message: MessageCreate) -> Done {
        if message.guild_id.is_none() && !message.author.bot {
            let content = format!("{} said {}", message.author.name, message.content);
            self.http.create_message(message.channel_id).content(&content).await?;
        }
        Ok(())
    }

    async fn reacted(&self, reaction: ReactionAdd) -> Done {
        if reaction.user_id.cast() != self.application {
            let member = reaction.member.as_ref().ok_or("no member")?;
            let twilight_model::channel::message::EmojiReactionType::Unicode { name } =
                &reaction.emoji
            else {
                return Err("no emoji".into());
            };
            let content = format!("{} reacted with {name}", member.user.name);
            self.http.create_message(reaction.channel_id).content(&content).await?;
        }
        Ok(())
    }

    async fn say(&self, interaction: &Interaction, content: &str) -> Done {
        self.answer(interaction, 4, json!({ "content": content })).await
    }

    async fn defer(&self, interaction: &Interaction) -> Done {
        let kind = InteractionResponseType::DeferredChannelMessageWithSource;
        let response = InteractionResponse { kind, data: None };
        let interactions = self.interactions();
        interactions.create_response(interaction.id, &interaction.token, &response).await?;
        Ok(())
    }

    /// Sends a callback; it is read into twilight's own types first.
    async fn answer(&self, interaction: &Interaction, kind: u8, mut data: Value) -> Done {
        let components: Option<Vec<Component>> = match data.get_mut("components") {
            Some(components) => Some(serde_json::from_value(components.take())?),
            None => None,
        };
        if let Some(fields) = data.as_object_mut() {
            fields.remove("components");
        }
        let mut response: InteractionResponse =
            serde_json::from_value(json!({ "type": kind, "data": data }))?;
        if let Some(data) = &mut response.data {
            data.components = components;
        }
        let interactions = self.interactions();
        interactions.create_response(interaction.id, &interaction.token, &response).await?;
        Ok(())
    }
}

fn letters() -> Value {
    json!([{ "label": "a", "value": "a" }, { "label": "b", "value": "b" }])
}

fn card(user: &User) -> Value {
    let title = format!("A card for {}", user.name);
    json!({
        "embeds": [{ "type": "rich", "title": title }],
        "components": [
            { "type": 1, "components": [
                { "type": 2, "style": 1, "label": "Go", "custom_id": "go" },
            ] },
            { "type": 1, "components": [
                { "type": 3, "custom_id": "menu", "options": letters() },
            ] },
        ],
    })
}

fn form() -> Value {
    let input = json!({ "type": 4, "custom_id": "name", "label": "Name", "style": 1 });
    let row = json!({ "type": 1, "components": [input] });
    json!({ "custom_id": "form", "title": "Form", "components": [row] })
}

fn label_form() -> Value {
    let input = json!({ "type": 4, "custom_id": "name", "style": 1 });
    let menu = json!({ "type": 3, "custom_id": "letter", "options": letters() });
    json!({ "custom_id": "labels", "title": "Labels", "components": [
        { "type": 18, "label": "Name", "component": input },
        { "type": 18, "label": "Letter", "component": menu },
    ] })
}

fn layout() -> Value {
    let text = |content: &str| json!({ "type": 10, "content": content });
    let section = json!({
        "type": 9,
        "components": [text("text")],
        "accessory": { "type": 2, "style": 1, "label": "Go", "custom_id": "layout" },
    });
    json!({ "flags": 1 << 15, "components": [
        { "type": 17, "components": [text("# Version 2"), { "type": 14 }, section] },
    ] })
}
