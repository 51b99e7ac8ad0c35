"""What answers a question: an offline bot, or an API. Pure: a question in, an answer or an HTTP request out.

The files, from the bottom up; a file imports only from those above it in this list:

    backend      what a backend is
    glossary     the words of the trade, in a sentence each
    skills       what the offline bot can really do
    offline_en   its English
    offline_zh   its Chinese
    offline      the backend without a network
    streams      streams of events cut into their data
    bodies       the body of a response read as it comes
    tuling       the Tuling robot's API
    models       OpenAI-compatible APIs, and Ollama's
    settings     a backend made of what the operator set
"""
