//! A bot of serenity that goes through the features of the test that serenity has.

use discord_sandbox::Addresses;
use serenity::all::{
    ActionRowComponent, AutocompleteChoice, ChannelId, Client, CommandInteraction,
    CommandOptionType, ComponentInteraction, ComponentInteractionDataKind, Context,
    CreateActionRow, CreateAttachment, CreateAutocompleteResponse, CreateButton, CreateCommand,
    CreateCommandOption, CreateEmbed, CreateInputText, CreateInteractionResponse,
    CreateInteractionResponseFollowup, CreateInteractionResponseMessage, CreateMessage,
    CreateModal, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption, CreateThread,
    EditInteractionResponse, EventHandler, GatewayIntents, GetMessages, HttpBuilder,
    InputTextStyle, Interaction, Message, ModalInteraction, Reaction, Ready,
};
use serenity::async_trait;
use tokio::task::JoinHandle;

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const FEATURES: [&str; 13] = [
    "card", "form", "slow", "secret", "file", "dm", "history", "say", "reaction", "thread", "pin",
    "members", "roles",
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
    // Points serenity at the sandbox: its own `proxy` works only without its rate limiter.
    let authority = reqwest::Certificate::from_pem(&std::fs::read(&addresses.ca)?)?;
    let discord = addresses.tls.trim_start_matches("https://").parse()?;
    let client = reqwest::Client::builder()
        .add_root_certificate(authority)
        .resolve("discord.com", discord)
        .build()?;
    let http = HttpBuilder::new(&addresses.token).client(client).build();
    let intents = GatewayIntents::GUILDS
        | GatewayIntents::GUILD_MEMBERS
        | GatewayIntents::GUILD_MESSAGES
        | GatewayIntents::GUILD_MESSAGE_REACTIONS
        | GatewayIntents::DIRECT_MESSAGES
        | GatewayIntents::MESSAGE_CONTENT;
    let client = serenity::client::ClientBuilder::new_with_http(http, intents);
    let mut client: Client = client.event_handler(Bot { addresses }).await?;
    Ok(client.start().await?)
}

struct Bot {
    addresses: Addresses,
}

fn report(done: Done) {
    if let Err(error) = done {
        eprintln!("serenity: {error:?}");
    }
}

#[async_trait]
impl EventHandler for Bot {
    async fn ready(&self, context: Context, _: Ready) {
        report(register(&context).await);
    }

    async fn interaction_create(&self, context: Context, interaction: Interaction) {
        report(match interaction {
            Interaction::Autocomplete(typing) => complete(&context, &typing).await,
            Interaction::Command(command) => self.show(&context, &command).await,
            Interaction::Component(component) => use_component(&context, &component).await,
            Interaction::Modal(modal) => submitted(&context, &modal).await,
            _ => Err("an unknown interaction".into()),
        });
    }

    async fn message(&self, context: Context, message: Message) {
        if message.guild_id.is_none() && !message.author.bot {
            let content = format!("{} said {}", message.author.name, message.content);
            report(message.channel_id.say(&context, content).await.map(drop).map_err(Into::into));
        }
    }

    async fn reaction_add(&self, context: Context, reaction: Reaction) {
        let Some(member) = reaction.member.as_ref().filter(|member| !member.user.bot) else {
            return;
        };
        let content = format!("{} reacted with {}", member.user.name, reaction.emoji);
        report(reaction.channel_id.say(&context, content).await.map(drop).map_err(Into::into));
    }
}

async fn register(context: &Context) -> Done {
    let option = CreateCommandOption::new(CommandOptionType::String, "feature", "Which")
        .required(true)
        .set_autocomplete(true);
    let command = CreateCommand::new("run").description("Shows a feature").add_option(option);
    context.http.create_global_command(&command).await?;
    Ok(())
}

async fn complete(context: &Context, typing: &CommandInteraction) -> Done {
    let typed = typing.data.autocomplete().ok_or("nothing typed")?.value;
    let names = FEATURES.iter().filter(|name| name.starts_with(typed));
    let choices = names.map(|name| AutocompleteChoice::new(*name, *name)).collect();
    let response = CreateAutocompleteResponse::new().set_choices(choices);
    let response = CreateInteractionResponse::Autocomplete(response);
    Ok(typing.create_response(context, response).await?)
}

fn text(content: impl Into<String>) -> CreateInteractionResponseMessage {
    CreateInteractionResponseMessage::new().content(content)
}

async fn answer(
    context: &Context,
    command: &CommandInteraction,
    message: CreateInteractionResponseMessage,
) -> Done {
    let response = CreateInteractionResponse::Message(message);
    Ok(command.create_response(context, response).await?)
}

impl Bot {
    fn channel(&self, name: &str) -> Result<ChannelId, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.addresses.channel_id(name).ok_or("no channel")?.parse()?)
    }

    async fn show(&self, context: &Context, command: &CommandInteraction) -> Done {
        let feature = command.data.options[0].value.as_str().ok_or("no feature")?;
        match feature {
            "card" => answer(context, command, card(command)).await,
            "form" => {
                let input = CreateInputText::new(InputTextStyle::Short, "Name", "name");
                let row = CreateActionRow::InputText(input);
                let modal = CreateModal::new("form", "Form").components(vec![row]);
                let response = CreateInteractionResponse::Modal(modal);
                Ok(command.create_response(context, response).await?)
            }
            "slow" => {
                command.defer(context).await?;
                let done = EditInteractionResponse::new().content("done");
                command.edit_response(context, done).await?;
                let more = CreateInteractionResponseFollowup::new().content("and more");
                command.create_followup(context, more).await?;
                Ok(())
            }
            "secret" => answer(context, command, text("hush").ephemeral(true)).await,
            "file" => {
                let file = CreateAttachment::bytes(b"hello".as_slice(), "hello.txt");
                let message = CreateInteractionResponseMessage::new().add_file(file);
                answer(context, command, message).await
            }
            "dm" => {
                command.user.dm(context, CreateMessage::new().content("psst")).await?;
                answer(context, command, text("sent")).await
            }
            "history" => {
                let shop = self.channel("web-shop")?;
                let messages = shop.messages(context, GetMessages::new().limit(2)).await?;
                let contents = messages.into_iter().rev().map(|message| message.content);
                let contents: Vec<_> = contents.collect();
                answer(context, command, text(contents.join(", "))).await
            }
            "say" => {
                command.defer(context).await?;
                self.channel("mobile-app")?.say(context, "said").await?;
                let said = EditInteractionResponse::new().content("said");
                command.edit_response(context, said).await?;
                Ok(())
            }
            _ => self.show_more(context, command, feature).await,
        }
    }

    /// The features that reach beyond the interaction.
    async fn show_more(
        &self,
        context: &Context,
        command: &CommandInteraction,
        feature: &str,
    ) -> Done {
        let channel = self.channel("decisions")?;
        let words = match feature {
            "reaction" => {
                let message = channel.say(context, "react").await?;
                message.react(context, '👍').await?;
                "reacted".to_owned()
            }
            "thread" => {
                let message = channel.say(context, "a topic").await?;
                let thread = CreateThread::new("talk");
                let thread = channel.create_thread_from_message(context, message, thread).await?;
                thread.say(context, "in the thread").await?;
                thread.name
            }
            "pin" => {
                let message = channel.say(context, "pinned").await?;
                message.pin(context).await?;
                let pins = channel.pins(context).await?;
                pins.into_iter().map(|pin| pin.content).collect::<Vec<_>>().join(", ")
            }
            "members" => {
                let guild = command.guild_id.ok_or("no server")?;
                let members = guild.members(context, None, None).await?;
                let mut names: Vec<_> =
                    members.into_iter().map(|member| member.user.name).collect();
                names.sort();
                names.join(", ")
            }
            "roles" => roles(context, command).await?,
            other => return Err(format!("no feature {other}").into()),
        };
        answer(context, command, text(words)).await
    }
}

async fn roles(
    context: &Context,
    command: &CommandInteraction,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let guild = command.guild_id.ok_or("no server")?;
    let roles = guild.roles(context).await?;
    let role = roles.values().find(|role| role.name == "Approvers").ok_or("no role")?;
    let mut member = guild.member(context, command.user.id).await?;
    member.add_role(context, role.id).await?;
    member = guild.member(context, command.user.id).await?;
    let names = member.roles.iter().filter_map(|id| roles.get(id));
    let names = names.map(|role| role.name.clone()).collect::<Vec<_>>().join(", ");
    member.remove_role(context, role.id).await?;
    Ok(names)
}

fn card(command: &CommandInteraction) -> CreateInteractionResponseMessage {
    let embed = CreateEmbed::new().title(format!("A card for {}", command.user.name));
    let options = ["a", "b"].map(|letter| CreateSelectMenuOption::new(letter, letter)).to_vec();
    let menu = CreateSelectMenu::new("menu", CreateSelectMenuKind::String { options });
    let buttons = vec![CreateButton::new("go").label("Go")];
    let rows = vec![CreateActionRow::Buttons(buttons), CreateActionRow::SelectMenu(menu)];
    CreateInteractionResponseMessage::new().embed(embed).components(rows)
}

async fn use_component(context: &Context, component: &ComponentInteraction) -> Done {
    let message = match &component.data.kind {
        ComponentInteractionDataKind::StringSelect { values } => {
            text(format!("chose {}", values[0])).embeds(Vec::new()).components(Vec::new())
        }
        _ => text(format!("clicked by {}", component.user.name)),
    };
    let response = CreateInteractionResponse::UpdateMessage(message);
    Ok(component.create_response(context, response).await?)
}

async fn submitted(context: &Context, modal: &ModalInteraction) -> Done {
    let ActionRowComponent::InputText(input) = &modal.data.components[0].components[0] else {
        return Err("no text".into());
    };
    let name = input.value.as_deref().unwrap_or_default();
    let response = CreateInteractionResponse::Message(text(format!("Hello, {name}!")));
    Ok(modal.create_response(context, response).await?)
}
