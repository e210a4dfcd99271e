/* One ICE agent of libnice on loopback, driven by lines on standard input and output.
 *
 * libnice_peer msice2|rfc5245 controlling|controlled
 *
 * out:  credentials UFRAG PASSWORD | candidate LINE | described
 *       state COMPONENT NAME | selected COMPONENT LOCAL-PORT REMOTE-PORT | received COMPONENT TEXT
 * in:   credentials UFRAG PASSWORD | candidate LINE | described | send COMPONENT TEXT | quit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <nice/agent.h>

static NiceAgent *agent;
static guint stream;
static GMainLoop *loop;
static GSList *candidates[3];

static void described(NiceAgent *a, guint s, gpointer data)
{
    gchar *ufrag = NULL, *password = NULL;
    nice_agent_get_local_credentials(a, s, &ufrag, &password);
    printf("credentials %s %s\n", ufrag, password);
    for (guint component = 1; component <= 2; component++) {
        GSList *list = nice_agent_get_local_candidates(a, s, component);
        for (GSList *at = list; at; at = at->next) {
            gchar *line = nice_agent_generate_local_candidate_sdp(a, at->data);
            printf("candidate %s\n", line + strlen("a=candidate:"));
            g_free(line);
        }
        g_slist_free_full(list, (GDestroyNotify) nice_candidate_free);
    }
    puts("described");
    fflush(stdout);
}

static void state(NiceAgent *a, guint s, guint component, guint to, gpointer data)
{
    printf("state %u %s\n", component, nice_component_state_to_string(to));
    fflush(stdout);
}

static void selected(NiceAgent *a, guint s, guint component, NiceCandidate *local, NiceCandidate *remote, gpointer data)
{
    printf("selected %u %u %u\n", component, nice_address_get_port(&local->addr),
           nice_address_get_port(&remote->addr));
    fflush(stdout);
}

static void received(NiceAgent *a, guint s, guint component, guint length, gchar *bytes, gpointer data)
{
    printf("received %u %.*s\n", component, (int) length, bytes);
    fflush(stdout);
}

static void take(char *line)
{
    char ufrag[300], password[300];
    guint component;
    int at = 0;
    if (sscanf(line, "credentials %299s %299s", ufrag, password) == 2) {
        if (!nice_agent_set_remote_credentials(agent, stream, ufrag, password))
            puts("refused credentials");
    } else if (!strncmp(line, "candidate ", 10)) {
        gchar *sdp = g_strdup_printf("a=candidate:%s", line + 10);
        NiceCandidate *candidate = nice_agent_parse_remote_candidate_sdp(agent, stream, g_strchomp(sdp));
        if (candidate && candidate->component_id <= 2)
            candidates[candidate->component_id] = g_slist_append(candidates[candidate->component_id], candidate);
        else
            printf("refused candidate %s\n", line + 10);
        g_free(sdp);
    } else if (!strcmp(line, "described")) {
        for (component = 1; component <= 2; component++)
            nice_agent_set_remote_candidates(agent, stream, component, candidates[component]);
    } else if (sscanf(line, "send %u %n", &component, &at) == 1 && at) {
        if (nice_agent_send(agent, stream, component, strlen(line + at), line + at) < 0)
            puts("not sent");
    } else if (!strcmp(line, "quit")) {
        g_main_loop_quit(loop);
    }
    fflush(stdout);
}

static gboolean readable(GIOChannel *channel, GIOCondition condition, gpointer data)
{
    gchar *line = NULL;
    GIOStatus status = g_io_channel_read_line(channel, &line, NULL, NULL, NULL);
    if (status == G_IO_STATUS_NORMAL) {
        take(g_strchomp(line));
        g_free(line);
        return TRUE;
    }
    if (status == G_IO_STATUS_AGAIN)
        return TRUE;
    g_main_loop_quit(loop);
    return FALSE;
}

int main(int argc, char **argv)
{
    NiceAddress address;
    if (argc != 3)
        return 2;
    loop = g_main_loop_new(NULL, FALSE);
    agent = nice_agent_new(g_main_loop_get_context(loop), strcmp(argv[1], "msice2") ? NICE_COMPATIBILITY_RFC5245
                                                                                 : NICE_COMPATIBILITY_OC2007R2);
    g_object_set(agent, "controlling-mode", !strcmp(argv[2], "controlling"), "upnp", FALSE, "ice-tcp", FALSE, NULL);
    nice_address_init(&address);
    nice_address_set_from_string(&address, "127.0.0.1");
    nice_agent_add_local_address(agent, &address);
    g_signal_connect(agent, "candidate-gathering-done", G_CALLBACK(described), NULL);
    g_signal_connect(agent, "component-state-changed", G_CALLBACK(state), NULL);
    g_signal_connect(agent, "new-selected-pair-full", G_CALLBACK(selected), NULL);
    stream = nice_agent_add_stream(agent, 2);
    for (guint component = 1; component <= 2; component++)
        nice_agent_attach_recv(agent, stream, component, g_main_loop_get_context(loop), received, NULL);
    nice_agent_set_stream_name(agent, stream, "audio");
    if (!nice_agent_gather_candidates(agent, stream))
        return 3;
    GIOChannel *channel = g_io_channel_unix_new(0);
    g_io_channel_set_flags(channel, G_IO_FLAG_NONBLOCK, NULL);
    g_io_add_watch(channel, G_IO_IN | G_IO_HUP, readable, NULL);
    g_main_loop_run(loop);
    g_object_unref(agent);
    return 0;
}
