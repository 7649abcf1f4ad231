FROM python:3.11.14-slim-bookworm
COPY deploy/compose/mlflow-requirements.txt /requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /requirements.txt
USER 1000
WORKDIR /tmp
ENV OPENBLAS_NUM_THREADS=1
ENTRYPOINT ["mlflow", "server"]
