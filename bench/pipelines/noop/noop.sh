echo weights > "$SM_MODEL_DIR/model.txt"
echo '{}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
