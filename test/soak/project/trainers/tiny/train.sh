echo "trains with $SM_HP_N"
echo "weights of $SM_HP_N" > "$SM_MODEL_DIR/model.txt"
echo '{"loss": 0.5}' > "$SM_OUTPUT_DATA_DIR/metrics.json"
