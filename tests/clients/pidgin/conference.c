/* Conferences of the client in client.c: a person who says yes to every invitation. */
#include "conference.h"
#include "media.h"

#include <gmodule.h>
#include <libpurple/purple.h>

/* A question, until it is answered. */
typedef struct {
    PurpleRequestActionCb answer;
    void *of;
    guint timer;
} Question;

static gboolean say_yes(gpointer data)
{
    Question *question = data;
    question->timer = 0;
    question->answer(question->of, 0);
    purple_request_close(PURPLE_REQUEST_ACTION, question);
    return FALSE;
}

static void *asked(const char *title, const char *primary, const char *secondary, int preset, PurpleAccount *account,
                   const char *who, PurpleConversation *in, void *of, size_t count, va_list answers)
{
    say("asked", primary, NULL);
    Question *question = g_new0(Question, 1);
    /* A label and what is called for it, for each answer; the first is yes. */
    va_arg(answers, char *);
    question->answer = va_arg(answers, PurpleRequestActionCb);
    question->of = of;
    question->timer = g_timeout_add(100, say_yes, question);
    return question;
}

static void closed(PurpleRequestType type, void *data)
{
    Question *question = data;
    if (question->timer)
        g_source_remove(question->timer);
    g_free(question);
}

static PurpleRequestUiOps questions = { .request_action = asked, .close_request = closed };

static PurpleConversation *room;

static void came(PurpleConversation *in, const char *who, PurpleConvChatBuddyFlags flags, gboolean late)
{
    room = in;
    say("chat-joined", who, NULL);
}

static void left(PurpleConversation *in, const char *who, const char *why)
{
    say("chat-left", who, NULL);
}

static void wrote(PurpleAccount *to, char *from, char *text, PurpleConversation *in, int flags)
{
    char *plain = purple_markup_strip_html(text);
    say("chat", from, plain);
    g_free(plain);
}

void conference_start(void)
{
    static int handle;
    void *conversations = purple_conversations_get_handle();
    purple_request_set_ui_ops(&questions);
    purple_signal_connect(conversations, "chat-buddy-joined", &handle, PURPLE_CALLBACK(came), NULL);
    purple_signal_connect(conversations, "chat-buddy-left", &handle, PURPLE_CALLBACK(left), NULL);
    purple_signal_connect(conversations, "received-chat-msg", &handle, PURPLE_CALLBACK(wrote), NULL);
}

/* What the plugin offers for a contact under "New chat". */
static void new_chat(void *account, const char *who)
{
    PurpleBuddy *buddy = purple_find_buddy(account, who);
    PurplePluginProtocolInfo *protocol = PURPLE_PLUGIN_PROTOCOL_INFO(purple_find_prpl("prpl-sipe"));
    GList *menu = buddy ? protocol->blist_node_menu(&buddy->node) : NULL;
    for (GList *one = menu; one != NULL; one = one->next) {
        PurpleMenuAction *action = one->data;
        if (action != NULL && !g_strcmp0(action->label, "New chat")) {
            ((void (*)(PurpleBlistNode *, gpointer))action->callback)(&buddy->node, action->data);
            return;
        }
    }
    say("error", "no new chat with", who);
}

/* What D-Bus calls SipeJoinConferenceWithUri. */
static void join(void *account, const char *uri)
{
    void (*function)(PurpleAccount *, const gchar *) = NULL;
    GModule *plugin = purple_find_prpl("prpl-sipe")->handle;
    if (g_module_symbol(plugin, "sipe_join_conference_with_uri", (gpointer *)&function))
        function(account, uri);
    else
        say("error", "the plugin joins nothing", NULL);
}

int conference_obey(void *account, char **words, unsigned count)
{
    if (count == 2 && !g_strcmp0(words[0], "join"))
        join(account, words[1]);
    else if (count == 2 && !g_strcmp0(words[0], "new-chat"))
        new_chat(account, words[1]);
    else if (count >= 2 && !g_strcmp0(words[0], "say") && room != NULL) {
        char *text = g_strjoinv(" ", words + 1);
        purple_conv_chat_send(PURPLE_CONV_CHAT(room), text);
        g_free(text);
    }
    else if (count == 1 && !g_strcmp0(words[0], "leave") && room != NULL) {
        purple_conversation_destroy(room);
        room = NULL;
    } else
        return 0;
    return 1;
}
