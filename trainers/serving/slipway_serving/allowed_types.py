"""Every type that a served model may hold. Longer lists are decided here, in review, never by a model."""

from __future__ import annotations

_BY_MODULE = {
    "builtins": "str int float bool NoneType bytes list tuple set dict slice",
    "numpy": "ndarray dtype bool bool_ int32 int64 float32 float64 str_ dtype[bool] dtype[int32] dtype[int64] dtype[float32] dtype[float64]",
    "numpy.dtypes": "BoolDType Int32DType Int64DType Float32DType Float64DType",
    "scipy.sparse._csr": "csr_matrix csr_array",
    "sklearn.compose._column_transformer": "ColumnTransformer",
    "sklearn.decomposition._pca": "PCA",
    "sklearn.decomposition._truncated_svd": "TruncatedSVD",
    "sklearn.dummy": "DummyClassifier",
    "sklearn.ensemble._forest": "RandomForestClassifier ExtraTreesClassifier",
    "sklearn.feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
    "sklearn.impute._base": "SimpleImputer",
    "sklearn.linear_model._logistic": "LogisticRegression",
    "sklearn.linear_model._stochastic_gradient": "SGDClassifier",
    "sklearn.naive_bayes": "ComplementNB GaussianNB MultinomialNB",
    "sklearn.neural_network._multilayer_perceptron": "MLPClassifier",
    "sklearn.pipeline": "FeatureUnion Pipeline",
    "sklearn.preprocessing._data": "MaxAbsScaler MinMaxScaler Normalizer RobustScaler StandardScaler",
    "sklearn.preprocessing._encoders": "OneHotEncoder OrdinalEncoder",
    "sklearn.preprocessing._label": "LabelBinarizer LabelEncoder",
    "sklearn.tree._classes": "DecisionTreeClassifier ExtraTreeClassifier",
    "sklearn.tree._tree": "Tree",
}
ALLOWED_TYPES = frozenset(f"{module}.{name}" for module, names in _BY_MODULE.items() for name in names.split())
