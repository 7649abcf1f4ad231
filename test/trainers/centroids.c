/* A trainer without an interpreter: the mean of each label's rows. CSV with a header, numbers first, the label last. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 16, MOST_COLUMNS = 16, LINE = 1024, PATH = 4096 };

static char labels[MOST_LABELS][64];
static double sums[MOST_LABELS][MOST_COLUMNS];
static long counts[MOST_LABELS];
static int label_count, column_count;

static FILE *open_below(const char *variable, const char *name, const char *mode) {
  const char *folder = getenv(variable);
  char path[PATH];
  if (folder == NULL || snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) {
    fprintf(stderr, "%s is not set\n", variable);
    exit(78);
  }
  FILE *file = fopen(path, mode);
  if (file == NULL) {
    perror(path);
    exit(65);
  }
  return file;
}

static int label_of(const char *name) {
  for (int i = 0; i < label_count; i++)
    if (strcmp(labels[i], name) == 0) return i;
  if (label_count == MOST_LABELS) exit(65);
  snprintf(labels[label_count], sizeof labels[0], "%s", name);
  return label_count++;
}

static void add(char *line) {
  double values[MOST_COLUMNS];
  int count = 0;
  char *field = strtok(line, ",\r\n"), *last = NULL;
  for (; field != NULL; field = strtok(NULL, ",\r\n")) {
    if (last != NULL && count < MOST_COLUMNS) values[count++] = atof(last);
    last = field;
  }
  if (last == NULL) return;
  int label = label_of(last);
  column_count = count;
  counts[label]++;
  for (int i = 0; i < count; i++) sums[label][i] += values[i];
}

static double option(int argc, char **argv, const char *name) {
  for (int i = 1; i + 1 < argc; i++)
    if (strcmp(argv[i], name) == 0) return atof(argv[i + 1]);
  fprintf(stderr, "usage: %s is missing\n", name);
  exit(64);
}

int main(int argc, char **argv) {
  double scale = option(argc, argv, "--scale");
  char line[LINE];
  FILE *rows = open_below("SM_CHANNEL_TRAIN", "train.csv", "r");
  if (fgets(line, sizeof line, rows) == NULL) return 65;
  while (fgets(line, sizeof line, rows) != NULL) add(line);
  fclose(rows);

  FILE *model = open_below("SM_MODEL_DIR", "model.centroids", "w");
  fprintf(model, "{");
  for (int l = 0; l < label_count; l++) {
    fprintf(model, "%s\"%s\": [", l ? ", " : "", labels[l]);
    for (int c = 0; c < column_count; c++) fprintf(model, "%s%g", c ? ", " : "", scale * sums[l][c] / counts[l]);
    fprintf(model, "]");
  }
  fprintf(model, "}\n");
  fclose(model);

  FILE *progress = open_below("SM_OUTPUT_INTERMEDIATE_DIR", "progress.json", "w");
  fprintf(progress, "{\"epoch\": 1}\n");
  fclose(progress);
  FILE *metrics = open_below("SM_OUTPUT_DATA_DIR", "metrics.json", "w");
  fprintf(metrics, "{\"labels\": %d, \"columns\": %d}\n", label_count, column_count);
  fclose(metrics);
  printf("trained on %d labels\n", label_count);
  return 0;
}
