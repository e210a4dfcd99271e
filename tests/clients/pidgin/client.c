/* A Lync client without a window: libpurple with the unmodified pidgin-sipe plugin, told what to do by lines on
 * standard input, telling what happens by lines on standard output.
 *
 *   client HOME PLUGIN_DIRECTORY CA SERVER TRANSPORT ADDRESS LOGIN PASSWORD TONE
 *
 *   in:   im WHO TEXT | status available|away|do-not-disturb | quit, and what media.c and conference.c obey
 *   out:  signed-on | signed-off | error TEXT | buddy WHO STATUS | im WHO TEXT | status STATUS, what media.c says,
 *         asked QUESTION | chat-joined WHO | chat-left WHO | chat WHO TEXT
 */
#include "conference.h"
#include "media.h"

#include <libpurple/purple.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static GMainLoop *loop;
static PurpleAccount *account;

/* The plugin fills in SAX1 handlers and marks them as SAX2. libxml2 of Debian 12 then looks for SAX2 handlers only
 * and calls none, so that the plugin sees every XML body empty. The executable's symbol comes before the library's:
 * this one is taken, and does what the library's did before, with the mark taken off. */
int xmlSAXUserParseMemory(xmlSAXHandlerPtr handlers, void *user, const char *text, int size)
{
    xmlSAXHandler first = *handlers;
    if (first.startElementNs == NULL && first.endElementNs == NULL)
        first.initialized = 1;
    xmlParserCtxtPtr context = xmlCreatePushParserCtxt(&first, user, NULL, 0, NULL);
    if (context == NULL)
        return -1;
    int wrong = xmlParseChunk(context, text, size, 1);
    xmlFreeParserCtxt(context);
    return wrong;
}

void say(const char *event, const char *one, const char *two)
{
    printf("%s%s%s%s%s\n", event, one ? " " : "", one ? one : "", two ? " " : "", two ? two : "");
    fflush(stdout);
}

/* The event loop of glib, as libpurple wants it described. */

typedef struct {
    PurpleInputFunction function;
    gpointer data;
} Input;

static gboolean input_ready(GIOChannel *channel, GIOCondition condition, gpointer data)
{
    Input *input = data;
    PurpleInputCondition ready = 0;
    if (condition & (G_IO_IN | G_IO_HUP | G_IO_ERR))
        ready |= PURPLE_INPUT_READ;
    if (condition & (G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL))
        ready |= PURPLE_INPUT_WRITE;
    input->function(input->data, g_io_channel_unix_get_fd(channel), ready);
    return TRUE;
}

static guint input_add(int fd, PurpleInputCondition wanted, PurpleInputFunction function, gpointer data)
{
    GIOCondition condition = 0;
    if (wanted & PURPLE_INPUT_READ)
        condition |= G_IO_IN | G_IO_HUP | G_IO_ERR;
    if (wanted & PURPLE_INPUT_WRITE)
        condition |= G_IO_OUT | G_IO_HUP | G_IO_ERR | G_IO_NVAL;
    Input *input = g_new0(Input, 1);
    input->function = function;
    input->data = data;
    GIOChannel *channel = g_io_channel_unix_new(fd);
    guint id = g_io_add_watch_full(channel, G_PRIORITY_DEFAULT, condition, input_ready, input, g_free);
    g_io_channel_unref(channel);
    return id;
}

static PurpleEventLoopUiOps loop_operations = {
    g_timeout_add, g_source_remove, input_add, g_source_remove, NULL, g_timeout_add_seconds, NULL, NULL, NULL,
};

/* What the library tells. */

static void signed_on(PurpleConnection *connection, gpointer unused)
{
    say("signed-on", NULL, NULL);
}

static void signed_off(PurpleConnection *connection, gpointer unused)
{
    say("signed-off", NULL, NULL);
}

static void failed(PurpleConnection *connection, PurpleConnectionError error, const char *text, gpointer unused)
{
    say("error", text, NULL);
}

static void buddy_changed(PurpleBuddy *buddy, PurpleStatus *old, PurpleStatus *status, gpointer unused)
{
    say("buddy", purple_buddy_get_name(buddy), purple_status_get_id(status));
}

static void buddy_came_or_went(PurpleBuddy *buddy, gpointer unused)
{
    PurpleStatus *status = purple_presence_get_active_status(purple_buddy_get_presence(buddy));
    say("buddy", purple_buddy_get_name(buddy), purple_status_get_id(status));
}

static void message_came(PurpleAccount *to, char *from, char *text, PurpleConversation *in, int flags)
{
    char *plain = purple_markup_strip_html(text);
    say("im", from, plain);
    g_free(plain);
}

static void listen_to_all(void)
{
    static int handle;
    void *connections = purple_connections_get_handle();
    purple_signal_connect(connections, "signed-on", &handle, PURPLE_CALLBACK(signed_on), NULL);
    purple_signal_connect(connections, "signed-off", &handle, PURPLE_CALLBACK(signed_off), NULL);
    purple_signal_connect(connections, "connection-error", &handle, PURPLE_CALLBACK(failed), NULL);
    void *buddies = purple_blist_get_handle();
    purple_signal_connect(buddies, "buddy-status-changed", &handle, PURPLE_CALLBACK(buddy_changed), NULL);
    purple_signal_connect(buddies, "buddy-signed-on", &handle, PURPLE_CALLBACK(buddy_came_or_went), NULL);
    purple_signal_connect(buddies, "buddy-signed-off", &handle, PURPLE_CALLBACK(buddy_came_or_went), NULL);
    void *conversations = purple_conversations_get_handle();
    purple_signal_connect(conversations, "received-im-msg", &handle, PURPLE_CALLBACK(message_came), NULL);
}

/* What we are told. */

static void set_status(const char *id)
{
    PurplePresence *presence = purple_account_get_presence(account);
    if (purple_presence_get_status(presence, id) == NULL) {
        say("error", "no such status:", id);
        return;
    }
    purple_account_set_status(account, id, TRUE, NULL);
    say("status", id, NULL);
}

static void obey(char *line)
{
    char **words = g_strsplit(g_strstrip(line), " ", 3);
    guint count = g_strv_length(words);
    if (media_obey(account, words, count) || conference_obey(account, words, count)) {
        /* It was about a call, or a conference. */
    } else if (count == 3 && !strcmp(words[0], "im")) {
        PurpleConversation *to = purple_conversation_new(PURPLE_CONV_TYPE_IM, account, words[1]);
        purple_conv_im_send(PURPLE_CONV_IM(to), words[2]);
    } else if (count == 2 && !strcmp(words[0], "status")) {
        set_status(words[1]);
    } else if (count == 1 && !strcmp(words[0], "quit")) {
        purple_account_set_enabled(account, "kirkwall", FALSE);
        g_timeout_add(500, (GSourceFunc)g_main_loop_quit, loop);
    } else {
        say("error", "not understood:", line);
    }
    g_strfreev(words);
}

static gboolean line_came(GIOChannel *channel, GIOCondition condition, gpointer unused)
{
    char *line = NULL;
    if (g_io_channel_read_line(channel, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
        g_main_loop_quit(loop);
        return FALSE;
    }
    obey(line);
    g_free(line);
    return TRUE;
}

static void start(const char *home, const char *plugins)
{
    purple_util_set_user_dir(home);
    purple_debug_set_enabled(g_getenv("PURPLE_DEBUG") != NULL);
    purple_eventloop_set_ui_ops(&loop_operations);
    purple_plugins_add_search_path(plugins);
    if (!purple_core_init("kirkwall"))
        g_error("libpurple does not start");
    purple_set_blist(purple_blist_new());
    purple_blist_load();
    listen_to_all();
}

static void trust(char *file)
{
    PurpleCertificate *ca = purple_certificate_import(purple_certificate_find_scheme("x509"), file);
    PurpleCertificatePool *pool = purple_certificate_find_pool("x509", "ca");
    if (ca == NULL || !purple_certificate_pool_store(pool, "lab", ca))
        say("error", "no certificate in", file);
}

int main(int count, char **words)
{
    if (count != 10) {
        fprintf(stderr, "client HOME PLUGINS CA SERVER TRANSPORT ADDRESS LOGIN PASSWORD TONE\n");
        return 2;
    }
    loop = g_main_loop_new(NULL, FALSE);
    start(words[1], words[2]);
    trust(words[3]);
    media_start(words[9], words[1]);
    conference_start();
    words++;
    char *name = g_strdup_printf("%s,%s", words[5], words[6]);
    account = purple_account_new(name, "prpl-sipe");
    purple_account_set_password(account, words[7]);
    purple_account_set_string(account, "server", words[3]);
    purple_account_set_string(account, "transport", words[4]);
    purple_account_set_string(account, "authentication", "ntlm");
    /* No calendar, no web services: there is a SIP server and nothing else. */
    purple_account_set_bool(account, "dont-publish", TRUE);
    purple_accounts_add(account);
    purple_account_set_enabled(account, "kirkwall", TRUE);
    PurpleSavedStatus *available = purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE);
    purple_savedstatus_activate(available);
    GIOChannel *input = g_io_channel_unix_new(STDIN_FILENO);
    g_io_add_watch(input, G_IO_IN | G_IO_HUP, line_came, NULL);
    g_main_loop_run(loop);
    purple_core_quit();
    return 0;
}
