/* The voice of the client in client.c. */
#ifndef MEDIA_H
#define MEDIA_H

/* Answers calls, speaks a tone of so many hertz in them, and writes what is heard in the n-th one to DIRECTORY/heard-n.wav. */
void media_start(const char *hertz, const char *directory);

/* Obeys call WHO | hang-up | hold | resume | mute | unmute; 0 if it is none of these. */
int media_obey(void *account, char **words, unsigned count);

/* Tells what happens: EVENT ONE TWO, the last two may be NULL. */
void say(const char *event, const char *one, const char *two);

#endif
